import { RegraftError } from '../../../contracts/error.ts';

/** Problems that the sentence shows; the error's details have them all. */
const SHOWN = 5;

/** What is wrong with a suite, gathered so that all of it can be said at once. */
export class SuiteProblems {
  readonly #subject: string;
  readonly #sentences: string[] = [];

  constructor(subject: string) {
    this.#subject = subject;
  }

  /** `where` is a file, or `file:line`. The same again adds nothing: a row may be read as sample and as example. */
  add(where: string, what: string): void {
    const sentence = `${where}: ${what}`;
    if (!this.#sentences.includes(sentence)) this.#sentences.push(sentence);
  }

  /** @throws SUITE_INVALID with every problem, if there is any */
  assertNone(): void {
    if (this.#sentences.length > 0) throw this.#error();
  }

  /** One more problem, after which nothing else can be looked at. @throws SUITE_INVALID always */
  fail(where: string, what: string): never {
    this.add(where, what);
    throw this.#error();
  }

  #error(): RegraftError {
    const hidden = this.#sentences.length - SHOWN;
    const shown = [
      ...this.#sentences.slice(0, SHOWN),
      ...(hidden > 0 ? [`and ${String(hidden)} more like these`] : []),
    ];
    return new RegraftError('SUITE_INVALID', `${this.#subject} cannot be read: ${shown.join('; ')}.`, {
      details: { problems: this.#sentences },
    });
  }
}
