// What we use of @huggingface/jinja. The package's own types import without file extensions, which nodenext does not
// resolve, so that every name would be untyped.
declare module '@huggingface/jinja' {
  export interface Token {
    readonly type: string;
    readonly value: string;
  }
  export interface Program {
    readonly type: 'Program';
  }
  export function tokenize(
    source: string,
    options: { readonly lstrip_blocks: boolean; readonly trim_blocks: boolean },
  ): Token[];
  export function parse(tokens: Token[]): Program;
  export class Environment {
    /** Declares a name; twice is an error. Functions get and return plain values. */
    set(name: string, value: unknown): void;
  }
  export class Interpreter {
    constructor(environment: Environment);
    run(program: Program): { readonly value: unknown };
  }
}
