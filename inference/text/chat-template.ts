import { Environment, Interpreter, parse, tokenize, type Program } from '@huggingface/jinja';
import { InferenceError } from '../errors.ts';
import type { ChatMessage } from './chat-message.ts';
import { strftime } from './strftime.ts';

export interface ChatOptions {
  /** Ends the text where the model's answer begins (true). */
  readonly addGenerationPrompt?: boolean | undefined;
  /** What a template that asks for the date gets; the present unless given. */
  readonly now?: Date | undefined;
}

/** Makes the text that a model reads of a conversation. */
export type RenderChat = (messages: readonly ChatMessage[], options?: ChatOptions) => string;

/** Longest list that a template may make by itself. */
const RANGE = 100_000;

/**
 * Compiles a model's chat template: Jinja as transformers runs it (blocks trimmed, `raise_exception`, `strftime_now`,
 * `tojson`, `break` and `continue`). `specialTokens` are the texts that it may name: `bos_token`, `eos_token` and so on.
 *
 * Errors: INFERENCE_CHAT_TEMPLATE_INVALID, at once for one that cannot be read, and from the function returned for messages
 * that the template refuses.
 */
export function compileChatTemplate(
  source: string,
  specialTokens: Readonly<Record<string, string>>,
  subject: string,
): RenderChat {
  const program = attempt(subject, 'cannot be read', () =>
    parse(tokenize(source, { lstrip_blocks: true, trim_blocks: true })),
  );
  return (messages, { addGenerationPrompt = true, now = new Date() } = {}) =>
    attempt(subject, 'does not take these messages', () => {
      const environment = environmentOf(now);
      for (const [name, text] of Object.entries(specialTokens)) environment.set(name, text);
      environment.set(
        'messages',
        messages.map(({ role, content }) => ({ role, content })),
      );
      environment.set('add_generation_prompt', addGenerationPrompt);
      environment.set('tools', null);
      environment.set('documents', null);
      return textOf(environment, program);
    });
}

function environmentOf(now: Date): Environment {
  const environment = new Environment();
  const globals: Readonly<Record<string, unknown>> = {
    ...{ true: true, True: true, false: false, False: false, none: null, None: null },
    range,
    raise_exception: (message: unknown) => {
      throw new Error(String(message));
    },
    strftime_now: (format: unknown) => strftime(now, String(format)),
  };
  for (const [name, value] of Object.entries(globals)) environment.set(name, value);
  return environment;
}

function textOf(environment: Environment, program: Program): string {
  const { value } = new Interpreter(environment).run(program);
  if (typeof value !== 'string') throw new TypeError('it gives no text');
  return value;
}

function range(first: number, second?: number, step = 1): readonly number[] {
  const [start, stop] = second === undefined || typeof second !== 'number' ? [0, first] : [first, second];
  const length = Math.max(0, Math.ceil((stop - start) / step));
  if (!(length <= RANGE)) throw new RangeError(`a range of ${length} is longer than ${RANGE}`);
  return Array.from({ length }, (_, index) => start + index * step);
}

function attempt<Value>(subject: string, what: string, work: () => Value): Value {
  try {
    return work();
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new InferenceError(
      'INFERENCE_CHAT_TEMPLATE_INVALID',
      `${subject}: its chat template ${what} (${why}); correct the template, or ask without \`chat\`.`,
      {},
      { cause },
    );
  }
}
