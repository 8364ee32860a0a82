#!/usr/bin/env node
// @ts-check
// Measures: `npm run bench -- weights [options]`; `npm run bench` alone says what there is to measure.
// Expects what scripts/setup.mjs makes: node_modules and .venv.
import { fileURLToPath } from 'node:url';
import { register } from 'tsx/esm/api';

register({ tsconfig: fileURLToPath(new URL('../tsconfig.json', import.meta.url)) });
const { main } = await import('./bench/main.ts');
// Not by letting the event loop run dry: requests to a server that was stopped would keep it going.
process.exit(await main(process.argv.slice(2)));
