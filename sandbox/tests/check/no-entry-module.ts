await 1;
export type Kind = "a";
export interface Shape {}
export declare const nothing: number;
function main() {
  return 1;
}
