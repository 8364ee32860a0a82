/** Capability classes; one process may serve several. Job shape belongs in the queue's name, never in its messages. */
export const QUEUE_CLASSES = ['control', 'io', 'cpu', 'gpu', 'evaluate'] as const;
export type QueueClass = (typeof QUEUE_CLASSES)[number];

/** Temporal task queue of a class. */
export function taskQueue(queueClass: QueueClass): string {
  return `regraft-${queueClass}`;
}
