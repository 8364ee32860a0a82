import type { PublishedModel } from './run.ts';

/** Whether two publications are of one model: what it is called, and what brought it, makes no other of it. */
export function isSameModel(one: PublishedModel, other: PublishedModel): boolean {
  return one.candidateDigest === other.candidateDigest;
}
