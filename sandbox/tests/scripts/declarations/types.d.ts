export namespace Described { export const value: number; export enum Inner { A = 'x', B = A } }
export enum Kind { One, Two }
export interface Shape { side: number }
export declare class Box { accessor width: number; }
declare const enum Size { Small = 1 }
export {};
