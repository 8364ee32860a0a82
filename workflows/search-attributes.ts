import { defineSearchAttributeKey, SearchAttributeType } from '@temporalio/common';
import { upsertSearchAttributes, workflowInfo } from '@temporalio/workflow';
import { SEARCH_ATTRIBUTES } from '../contracts/search-attributes.ts';

const KEYS = {
  lineage: defineSearchAttributeKey(SEARCH_ATTRIBUTES.lineage, SearchAttributeType.KEYWORD),
  release: defineSearchAttributeKey(SEARCH_ATTRIBUTES.release, SearchAttributeType.KEYWORD),
  arm: defineSearchAttributeKey(SEARCH_ATTRIBUTES.arm, SearchAttributeType.KEYWORD),
  state: defineSearchAttributeKey(SEARCH_ATTRIBUTES.state, SearchAttributeType.KEYWORD),
} as const;

type Facts = Partial<Readonly<Record<keyof typeof KEYS, string>>>;

/** Shows what this workflow is at, in a namespace that has our attributes: there it was started with one. */
export function showInSearch(facts: Facts): void {
  if (isSearchable()) upsertSearchAttributes(pairsOf(facts));
}

/** What a child starts with; nothing in a namespace that does not have our attributes. */
export function searchAttributesOf(facts: Facts): { readonly typedSearchAttributes?: ReturnType<typeof pairsOf> } {
  return isSearchable() ? { typedSearchAttributes: pairsOf(facts) } : {};
}

function isSearchable(): boolean {
  return workflowInfo().typedSearchAttributes.get(KEYS.lineage) !== undefined;
}

function pairsOf(facts: Facts) {
  return (Object.keys(KEYS) as (keyof typeof KEYS)[]).flatMap((name) => {
    const value = facts[name];
    return value === undefined ? [] : [{ key: KEYS[name], value }];
  });
}
