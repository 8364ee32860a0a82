import { setWorkflowOptions } from '@temporalio/workflow';
import { lineage, recycleRun, watchFamily } from './index.ts';

// The workflows for workers that are versioned; a server refuses the work of others that says any of this. What ends within
// days stays on the build that it began on, what lives for years moves to the current one.
setWorkflowOptions({ versioningBehavior: 'PINNED' }, recycleRun);
setWorkflowOptions({ versioningBehavior: 'PINNED' }, watchFamily);
setWorkflowOptions({ versioningBehavior: 'AUTO_UPGRADE' }, lineage);

export { lineage, recycleRun, watchFamily };
