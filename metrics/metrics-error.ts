/** Why metrics could not be made or shown; the codes are told where they are thrown. */
export class MetricsError extends Error {
  readonly code: string;
  readonly retryable = false;
  readonly details: Readonly<Record<string, unknown>>;

  constructor(code: string, message: string, details: Readonly<Record<string, unknown>>) {
    super(message);
    this.name = 'MetricsError';
    this.code = code;
    this.details = details;
  }
}
