/** Remembers the newest keys, and forgets the oldest beyond a number. */
export class RecentKeys {
  readonly #most: number;
  readonly #keys = new Set<string>();

  constructor(most: number) {
    this.#most = most;
  }

  get size(): number {
    return this.#keys.size;
  }

  hasAll(keys: readonly string[]): boolean {
    return keys.every((key) => this.#keys.has(key));
  }

  add(keys: readonly string[]): void {
    for (const key of keys) {
      this.#keys.delete(key);
      this.#keys.add(key);
    }
    for (const oldest of this.#keys) {
      if (this.#keys.size <= this.#most) return;
      this.#keys.delete(oldest);
    }
  }
}
