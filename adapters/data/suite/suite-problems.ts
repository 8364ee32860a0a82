import { RegraftError } from '../../../contracts/error.ts';
import { someProblems } from '../../some-problems.ts';

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
    const shown = someProblems(this.#sentences);
    return new RegraftError('SUITE_INVALID', `${this.#subject} cannot be read: ${shown.join('; ')}.`, {
      details: { problems: this.#sentences },
    });
  }
}
