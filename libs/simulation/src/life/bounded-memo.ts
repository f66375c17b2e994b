/** Values of a pure function that are kept while there is room: what was made longest ago leaves first. */
export class BoundedMemo<K, V> {
  readonly #values = new Map<K, V>();

  constructor(private readonly sizeMax: number) {}

  /** The value of a key; made where it is not kept. */
  get(key: K, make: () => V): V {
    const known = this.#values.get(key);
    if (known !== undefined) return known;
    const made = make();
    if (this.#values.size >= this.sizeMax) this.#values.delete(this.#values.keys().next().value as K);
    this.#values.set(key, made);
    return made;
  }
}
