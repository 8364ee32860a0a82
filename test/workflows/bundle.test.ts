import { AsyncLocalStorage } from 'node:async_hooks';
import { readFile } from 'node:fs/promises';
import { builtinModules } from 'node:module';
import { createContext, Script } from 'node:vm';
import { beforeAll, describe, expect, it } from 'vitest';
import * as workflows from '../../workflows/index.ts';
import { testBundle } from '../support/service.ts';

let code: string;
/** Paths of all modules in the bundle, relative to the project. */
let modules: readonly string[];
beforeAll(async () => {
  code = await readFile((await testBundle()).codePath, 'utf8');
  modules = [...code.matchAll(/^ {2}!\*\*\* (\S+) (?:\(ignored\) )?\*\*\*!$/gm)].map(([, name]) => name ?? '');
});

describe('the bundle of the workflows', () => {
  it('exports the workflows, and nothing else', () => {
    expect(Object.keys(exportsOf(code)).sort()).toEqual(Object.keys(workflows).sort());
    expect(Object.keys(workflows).sort()).toEqual(['lineage', 'recycleRun', 'watchFamily']);
  });

  it('has of our code the workflows, the decisions and the language, and no activity', () => {
    const ours = modules.filter((name) => name.startsWith('./') && !name.startsWith('./node_modules/'));
    const rooms = ours.map((name) => name.split('/')[1]);
    expect([...new Set(rooms)].sort()).toEqual(['contracts', 'policy', 'workflows']);
    expect(modules).toContain('./workflows/recycle-run.ts');
    expect(modules).toContain('./policy/next-run-stage.ts');
  });

  it('has no schema library and no other package than the SDK and what it needs', () => {
    const packages = modules.map((name) => /^\.\/node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(name)?.[1]);
    const found = [...new Set(packages.filter((name) => name !== undefined))].sort();
    expect(found).toEqual(['@temporalio/common', '@temporalio/workflow', 'long', 'ms', 'nexus-rpc']);
  });

  it('reaches for no Node built-in: all its modules are files, but for the converters that nobody set', () => {
    const others = modules.filter((name) => !name.startsWith('./'));
    expect(others).toEqual(['__temporal_custom_failure_converter', '__temporal_custom_payload_converter']);
    expect(modules.filter((name) => builtinModules.some((builtin) => name.endsWith(`/${builtin}.js`)))).toEqual([]);
  });

  /**
   * 2.3 MB on 2026-11-27, of which 0.8 MB are code and 1.5 MB its source map. zod would add 1.1 MB. Every worker for the control queue loads it, and each cached workflow shares it.
   */
  it('stays under 2.6 MB', () => {
    expect(code.length).toBeLessThan(2_600_000);
  });
});

/** What the sandbox finds in a bundle. */
function exportsOf(bundle: string): object {
  const context = createContext({ __webpack_module_cache__: {}, TextEncoder, TextDecoder, AsyncLocalStorage, URL });
  new Script(bundle).runInContext(context);
  const found: unknown = new Script('__TEMPORAL__.importWorkflows()').runInContext(context);
  return typeof found === 'object' && found !== null ? found : {};
}
