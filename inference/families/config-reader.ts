import { InferenceError } from '../errors.ts';

type Raw = Readonly<Record<string, unknown>>;

/**
 * Reads values out of config.json, and gathers what is wrong with them instead of stopping at the first. What it returns for a
 * wrong value is one that later checks find nothing wrong with.
 */
export class ConfigReader {
  readonly #raw: Raw;
  readonly #invalid: string[];
  readonly #unsupported: string[];

  constructor(raw: Raw, invalid: string[] = [], unsupported: string[] = []) {
    this.#raw = raw;
    this.#invalid = invalid;
    this.#unsupported = unsupported;
  }

  /** Whether nothing wrong was found so far. */
  get isGood(): boolean {
    return this.#invalid.length === 0 && this.#unsupported.length === 0;
  }

  /** A reader of an object within this one, with the same list of problems; null where there is none. */
  object(field: string): ConfigReader | null {
    const value = this.#raw[field];
    if (typeof value !== 'object' || value === null || Array.isArray(value)) return null;
    return new ConfigReader({ ...value }, this.#invalid, this.#unsupported);
  }

  /** An empty object's reader, with the same list of problems. */
  empty(): ConfigReader {
    return new ConfigReader({}, this.#invalid, this.#unsupported);
  }

  has(field: string): boolean {
    return this.#raw[field] !== undefined && this.#raw[field] !== null;
  }

  /** Whether the field is there and says null. */
  isNull(field: string): boolean {
    return this.#raw[field] === null;
  }

  raw(field: string): unknown {
    return this.#raw[field];
  }

  /** A whole number above 0. */
  integer(field: string, fallback?: number): number {
    const value = this.#raw[field] ?? fallback;
    if (typeof value === 'number' && Number.isSafeInteger(value) && value > 0) return value;
    this.reject(field, 'a whole number above 0');
    return 2;
  }

  /** A number above 0. */
  decimal(field: string, fallback?: number): number {
    const value = this.#raw[field] ?? fallback;
    if (typeof value === 'number' && Number.isFinite(value) && value > 0) return value;
    this.reject(field, 'a number above 0');
    return 2;
  }

  /** A number above 0, or null where the field says null; `fallback` where it is missing. */
  optionalDecimal(field: string, fallback: number | null): number | null {
    if (this.isNull(field) || (!this.has(field) && fallback === null)) return null;
    return this.decimal(field, fallback ?? undefined);
  }

  flag(field: string, fallback = false): boolean {
    const value = this.#raw[field] ?? fallback;
    if (typeof value === 'boolean') return value;
    this.reject(field, 'true or false');
    return fallback;
  }

  /** One of the values that this engine knows; any other is unsupported. */
  known<const Value extends string>(field: string, values: readonly [Value, ...Value[]], fallback?: Value): Value {
    const found = this.#raw[field] ?? fallback;
    const value = values.find((one) => one === found);
    if (value !== undefined) return value;
    this.refuse(`${field} is ${show(found)}, and this engine runs ${values.map(show).join(', ')}`);
    return values[0];
  }

  /** Notes a field whose value is wrong. */
  reject(field: string, expected: string): void {
    const found = this.#raw[field];
    this.#invalid.push(`\`${field}\` ${found === undefined ? 'missing' : show(found)}, expected ${expected}`);
  }

  /** Notes something that this engine cannot do. */
  refuse(what: string): void {
    this.#unsupported.push(what);
  }

  /** Throws INFERENCE_ARCHITECTURE_UNSUPPORTED, or else INFERENCE_CONFIG_INVALID, with everything that was noted. */
  assertGood(folder: string): void {
    if (this.#unsupported.length > 0) {
      const found = this.#unsupported;
      const message = `Model ${folder}: ${found.join('; ')}; evaluate this model with another harness.`;
      throw new InferenceError('INFERENCE_ARCHITECTURE_UNSUPPORTED', message, { folder, found });
    }
    if (this.#invalid.length > 0) {
      const problems = this.#invalid;
      const message = `Model ${folder}: config.json has ${problems.join('; ')}; take config.json from the base model.`;
      throw new InferenceError('INFERENCE_CONFIG_INVALID', message, { folder, problems });
    }
  }
}

function show(value: unknown): string {
  return value === undefined ? 'missing' : JSON.stringify(value);
}
