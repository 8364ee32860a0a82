export { lineage } from './lineage.ts';
export { recycleRun } from './recycle-run.ts';
export { watchFamily } from './watch-family.ts';
