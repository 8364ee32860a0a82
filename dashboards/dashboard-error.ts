/** Why a dashboard could not be built; the codes are told where they are thrown. */
export class DashboardError extends Error {
  readonly code: string;
  readonly retryable = false;
  readonly details: Readonly<Record<string, unknown>>;

  constructor(code: string, message: string, details: Readonly<Record<string, unknown>>) {
    super(message);
    this.name = 'DashboardError';
    this.code = code;
    this.details = details;
  }
}
