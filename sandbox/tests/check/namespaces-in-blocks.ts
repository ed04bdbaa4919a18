const outer = 1;
export namespace Tax {
  export const rate = 0.19;
  export function gross(net: number) {
    return net * (1 + rate);
  }
  export type Kind = "full";
  const hidden = 1;
  export namespace Deep {
    export const level = 1;
  }
}
export namespace Tax {
  export const reduced = rate / 2;
  export const twice = gross(gross(1));
  export const mine = Tax.rate;
  const rateOf = (rate: number) => rate;
  export const kind: Kind = "full";
  export namespace Deep {
    export const next = level + 1;
    export const up = rate;
  }
  export const one = outer;
  export const two = hidden;
}
enum Size { Small = 1, Large = 2 }
enum Size { Huge = Large * 2, Giant = Huge + 1 }
namespace Size {
  export const all = [Small, Size.Large];
}
namespace Legacy.Old { export const a = 1; }
namespace Legacy.Old { export const b = a; }
export default function main() {
  return [Tax.reduced, Size.Huge, Size.all, Legacy.Old.b];
}
