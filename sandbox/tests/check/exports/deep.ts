export class deep {}
export default 2;
export * from "./lib";
