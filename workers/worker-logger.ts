import { DefaultLogger, type LogLevel, type LogMetadata } from '@temporalio/worker';

/** Each queue has one kind of task, on purpose. */
const EXPECTED = /^No (activities|workflows) registered/;

/** What a person should see of the SDK's own log: warnings and errors, of which one is none here. */
class WorkerLogger extends DefaultLogger {
  override log(level: LogLevel, message: string, meta?: LogMetadata): void {
    if (!EXPECTED.test(message)) super.log(level, message, meta);
  }
}

/** The logger of a worker process. */
export function createWorkerLogger(): DefaultLogger {
  return new WorkerLogger('WARN');
}
