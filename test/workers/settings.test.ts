import { access, readdir } from 'node:fs/promises';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { findGpus, findPython, PROJECT_ROOT, trainerEnvironment } from '../../workers/settings.ts';

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

  it('has what its spec asks for beside that, and only that', () => {
    const environment = { PATH: '/bin', HF_TOKEN: 'hub', WANDB_API_KEY: 'wandb', OTHER_TOKEN: 'other' };
    const passed = trainerEnvironment(environment, ['HF_TOKEN', 'NOT_SET']);
    expect(passed).toEqual({ ...trainerEnvironment(environment), HF_TOKEN: 'hub' });
  });

  it('is online and has more threads where its spec asks for that by name', () => {
    const environment = { HF_HUB_OFFLINE: '0', OMP_NUM_THREADS: '64', MKL_NUM_THREADS: '64' };
    expect(trainerEnvironment(environment, ['HF_HUB_OFFLINE', 'OMP_NUM_THREADS'])).toEqual({
      HF_HUB_OFFLINE: '0',
      OMP_NUM_THREADS: '64',
      MKL_NUM_THREADS: '1',
    });
  });

  it('leaves out what is not set instead of passing it empty', () => {
    expect(Object.keys(trainerEnvironment({ HOME: undefined }))).not.toContain('HOME');
  });
});

describe('the GPUs for trainings', () => {
  it.each([
    ['0,1', ['0', '1']],
    ['GPU-3f1c,MIG-7', ['GPU-3f1c', 'MIG-7']],
    ['', []],
    ['1', ['1']],
    ['0,,1,', ['0', '1']],
  ])('are those of CUDA_VISIBLE_DEVICES: %j', async (visible, gpus) => {
    expect(await findGpus({ CUDA_VISIBLE_DEVICES: visible })).toEqual(gpus);
  });

  it('are else all that the machine has', async () => {
    const devices = (await readdir('/dev')).filter((name) => /^nvidia[0-9]+$/.test(name));
    expect(await findGpus({})).toHaveLength(devices.length);
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
