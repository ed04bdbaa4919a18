// Room for every script of the comparison, so that none is compiled twice: 1,000 would be one too few.
const LIMIT = 10_000;

/** What `make` returns for a source, kept for the newest sources. */
export class Cache {
  #entries = new Map();

  get(source) {
    return this.#entries.get(source);
  }

  set(source, compiled) {
    if (this.#entries.size >= LIMIT) this.#entries.delete(this.#entries.keys().next().value);
    this.#entries.set(source, compiled);
    return compiled;
  }
}
