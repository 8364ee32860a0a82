/** Every code that the engine can fail with; a caller branches on these and on nothing else. */
export type WeightsErrorCode =
  | 'WEIGHTS_ABORTED'
  | 'WEIGHTS_ADAPTER_INVALID'
  | 'WEIGHTS_ARGUMENT_INVALID'
  | 'WEIGHTS_CONFIG_INVALID'
  | 'WEIGHTS_DELTA_INVALID'
  | 'WEIGHTS_DTYPE_UNSUPPORTED'
  | 'WEIGHTS_FILE_MISSING'
  | 'WEIGHTS_FILE_TOO_LARGE'
  | 'WEIGHTS_HEADER_INVALID'
  | 'WEIGHTS_HEADER_TOO_LARGE'
  | 'WEIGHTS_INCOMPATIBLE'
  | 'WEIGHTS_INDEX_INVALID'
  | 'WEIGHTS_IO_FAILED'
  | 'WEIGHTS_NON_FINITE'
  | 'WEIGHTS_OUTPUT_BUSY'
  | 'WEIGHTS_OUTPUT_EXISTS'
  | 'WEIGHTS_PICKLE_REFUSED'
  | 'WEIGHTS_SPACE_MISSING'
  | 'WEIGHTS_TENSOR_BOUNDS'
  | 'WEIGHTS_TOKENIZER_INVALID'
  | 'WEIGHTS_VERIFY_FAILED'
  | 'WEIGHTS_WRONG_BASE';

/**
 * The only error that the engine throws on purpose. `message` is one sentence: subject, found, expected, what to do.
 * `retryable` is true only where the same call can succeed later with the same inputs (a full disk, an abort).
 */
export class WeightsError extends Error {
  override readonly name = 'WeightsError';
  readonly code: WeightsErrorCode;
  readonly retryable: boolean;
  readonly details: Readonly<Record<string, unknown>>;

  constructor(
    code: WeightsErrorCode,
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
