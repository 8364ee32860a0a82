/**
 * What Temporal's own list of workflows can be searched by, all of type Keyword: registered in the namespace before the
 * first use. Values are plain text, even where payloads are encrypted.
 */
export const SEARCH_ATTRIBUTES = {
  /** Of a lineage and its runs. */
  lineage: 'RegraftLineage',
  /** Of a run: its release; of a lineage: the release that it works on, or worked on last. */
  release: 'RegraftRelease',
  /** Of a run: its arm. */
  arm: 'RegraftArm',
  /** Of a lineage: `idle`, `running` or `paused`; of a run: `running`, and at its end `live`, `rejected` and the like. */
  state: 'RegraftState',
} as const;
