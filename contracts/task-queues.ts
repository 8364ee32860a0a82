/** Capability classes; one process may serve several. */
export const QUEUE_CLASSES = ['control', 'io', 'cpu', 'gpu', 'evaluate'] as const;
export type QueueClass = (typeof QUEUE_CLASSES)[number];

/**
 * A queue: a class, or `gpu-<shape>` for trainings that need one kind of machine, as in `gpu-h100` or `gpu-h100-x4`. Job
 * shape belongs in the queue's name, never in its messages.
 */
export type QueueName = QueueClass | `gpu-${string}`;

/** What a queue for trainings may be called: `gpu`, or `gpu-` and up to 40 lower-case letters, digits and dashes. */
export const GPU_QUEUE = /^gpu(-[a-z0-9][a-z0-9-]{0,39})?$/;

/** Whether some text names a queue. */
export function isQueueName(text: string): text is QueueName {
  return GPU_QUEUE.test(text) || QUEUE_CLASSES.some((queueClass) => queueClass === text);
}

/** The class whose work a queue has. */
export function queueClassOf(queue: QueueName): QueueClass {
  return QUEUE_CLASSES.find((queueClass) => queueClass === queue) ?? 'gpu';
}

/** Temporal's name of a queue. */
export function taskQueue(queue: QueueName): string {
  return `regraft-${queue}`;
}

/** Temporal's name of the queue that a spec asks for with `finetune.queue`; of `gpu` where it does not. */
export function trainingTaskQueue(queue: string | undefined): string {
  return `regraft-${queue ?? 'gpu'}`;
}
