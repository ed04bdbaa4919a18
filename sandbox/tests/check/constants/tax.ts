export let rate = 0.19;
export default 1;
export type Kind = "full" | "reduced";
