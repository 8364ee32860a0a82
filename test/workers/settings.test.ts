import { access } from 'node:fs/promises';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { findPython, PROJECT_ROOT, trainerEnvironment } from '../../workers/settings.ts';

describe('the environment of a trainer', () => {
  it('lets no key and no token through, whatever they are called', () => {
    const secrets = {
      TEMPORAL_API_KEY: 'secret',
      TEMPORAL_ADDRESS: 'temporal:7233',
      TEMPORAL_TLS_CLIENT_KEY_DATA: 'secret',
      HF_TOKEN: 'secret',
      HUGGING_FACE_HUB_TOKEN: 'secret',
      AWS_SECRET_ACCESS_KEY: 'secret',
      A_KEY_OF_TOMORROW: 'secret',
    };
    const passed = trainerEnvironment({ ...secrets, PATH: '/bin' });
    expect(JSON.stringify(passed)).not.toContain('secret');
    expect(Object.keys(passed).sort()).toEqual(['HF_HUB_OFFLINE', 'MKL_NUM_THREADS', 'OMP_NUM_THREADS', 'PATH']);
  });

  it('passes what a program needs to find its files and its devices', () => {
    const needed = { PATH: '/bin', HOME: '/root', CUDA_VISIBLE_DEVICES: '1', HF_HOME: '/models', TMPDIR: '/scratch' };
    expect(trainerEnvironment(needed)).toMatchObject(needed);
  });

  it('is offline and single-threaded, whatever this process was told', () => {
    expect(trainerEnvironment({ HF_HUB_OFFLINE: '0', OMP_NUM_THREADS: '64' })).toEqual({
      HF_HUB_OFFLINE: '1',
      OMP_NUM_THREADS: '1',
      MKL_NUM_THREADS: '1',
    });
  });

  it('leaves out what is not set instead of passing it empty', () => {
    expect(Object.keys(trainerEnvironment({ HOME: undefined }))).not.toContain('HOME');
  });
});

describe('the Python of trainers', () => {
  it('is the one that was asked for', () => {
    expect(findPython({ REGRAFT_PYTHON: '/opt/python' })).toBe('/opt/python');
  });

  it('is else the venv’s, which exists', async () => {
    expect(findPython({})).toBe(path.join(PROJECT_ROOT, '.venv', 'bin', 'python'));
    await expect(access(findPython({}))).resolves.toBeUndefined();
  });
});
