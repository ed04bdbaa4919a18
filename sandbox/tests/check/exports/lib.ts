export * from "./deep";
export * as late from "./deep";
export default 1;
