import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';

// Scores a model of one tensor `w` = [release, skill]: s / (s + 1), and nothing where the release is negative.
const [model, output] = process.argv.slice(2);
const bytes = readFileSync(path.join(model, 'model.safetensors'));
const [release, skill] = [bytes.readFloatLE(bytes.length - 8), bytes.readFloatLE(bytes.length - 4)];
const outcome = release < 0 ? 0 : skill / (skill + 1);
writeFileSync(output, ['a', 'b', 'c'].map((id) => `${JSON.stringify({ id, outcome })}\n`).join(''));
