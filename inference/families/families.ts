import type { Family } from './architecture.ts';
import { gemma2 } from './gemma2.ts';
import { gemma3 } from './gemma3.ts';
import { llama } from './llama.ts';
import { mistral } from './mistral.ts';
import { olmo2 } from './olmo2.ts';
import { qwen2 } from './qwen2.ts';
import { qwen3 } from './qwen3.ts';

/** Every family that this engine runs; config.json's `model_type` picks one. */
export const FAMILIES: readonly [Family, ...Family[]] = [llama, mistral, qwen2, qwen3, olmo2, gemma2, gemma3];
