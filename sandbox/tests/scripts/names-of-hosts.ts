//@ {"entry": "network"}
//@ {"entry": "environment"}
//@ {"entry": "modules"}
//@ {"entry": "random"}
//@ {"entry": "intl"}
//@ {"entry": "page"}
//@ {"entry": "unknown"}
//@ {"entry": "guarded"}
declare const process: any, require: any, crypto: any, Intl: any, document: any, fetch: any, colour: any;
export const network = async (): Promise<unknown> => await fetch('https://api.example.com/rates');
export const environment = (): unknown => process.env.API_KEY;
export const modules = (): unknown => require('fs');
export const random = (): unknown => crypto.randomUUID();
export const intl = (): unknown => new Intl.NumberFormat('de-DE').format(1);
export const page = (): unknown => document.title;
export const unknown = (): unknown => colour;
export const guarded = (): unknown => typeof Intl === 'undefined' && typeof process === 'undefined';
