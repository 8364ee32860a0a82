/** Every code that scoring can fail with; callers branch on these and on nothing else. */
export type InferenceErrorCode =
  | 'INFERENCE_ARCHITECTURE_UNSUPPORTED'
  | 'INFERENCE_CHAT_TEMPLATE_INVALID'
  | 'INFERENCE_CHAT_TEMPLATE_MISSING'
  | 'INFERENCE_CLOSED'
  | 'INFERENCE_CONFIG_INVALID'
  | 'INFERENCE_DTYPE_UNSUPPORTED'
  | 'INFERENCE_EMPTY_REQUEST'
  | 'INFERENCE_NON_FINITE'
  | 'INFERENCE_RUNTIME_FAILED'
  | 'INFERENCE_SEQUENCE_TOO_LONG'
  | 'INFERENCE_TENSOR_MISSING'
  | 'INFERENCE_TENSOR_SHAPE'
  | 'INFERENCE_TOKENIZER_INVALID'
  | 'INFERENCE_TOKEN_OUT_OF_RANGE'
  | 'INFERENCE_WORKER_DIED';

/**
 * The only error this engine throws on purpose; the message is one sentence: subject, found, expected, what to do.
 * `retryable` is true only where the same call can succeed later with the same inputs (a scoring thread that died).
 */
export class InferenceError extends Error {
  override readonly name = 'InferenceError';
  readonly code: InferenceErrorCode;
  readonly retryable: boolean;
  readonly details: Readonly<Record<string, unknown>>;

  constructor(
    code: InferenceErrorCode,
    message: string,
    details: Readonly<Record<string, unknown>> = {},
    options: { readonly retryable?: boolean; readonly cause?: unknown } = {},
  ) {
    super(message, 'cause' in options ? { cause: options.cause } : {});
    this.code = code;
    this.retryable = options.retryable ?? false;
    this.details = details;
  }
}
