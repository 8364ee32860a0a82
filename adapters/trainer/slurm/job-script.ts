import { RegraftError } from '../../../contracts/error.ts';
import type { Launch, Program } from '../launcher.ts';

/**
 * The batch script of a launch. It runs `launcher` (a copy of launch.sh) as the leader of a session of its own, hands
 * signals on to that group, leaves signs of life for as long as it is there, and ends with the trainer's exit code.
 * @throws TRAINER_START_FAILED for a variable whose name no shell can export
 */
export function jobScript({ folder, token }: Launch, program: Program, launcher: string): string {
  const { command, environment, leaseSeconds } = program;
  const words = ['/bin/sh', launcher, folder, token, String(leaseSeconds), ...command];
  // sbatch looks for options (#SBATCH) up to the first command, so values come later, and refuses a script with CR LF.
  return `#!/bin/sh
set -u
regraft_cr=$(printf '\\r')
folder=${quote(folder)} token=${quote(token)}
${WATCH}
(
  for name in $(env | sed -n 's/^\\([A-Za-z_][A-Za-z0-9_]*\\)=.*/\\1/p'); do
    case $name in
      ${GIVEN_BY_SLURM.join(' | ')}) ;;
      *) unset "$name" ;;
    esac
  done
${Object.entries(environment).map(exported).join('')}  exec setsid ${words.map(quote).join(' ')}
) </dev/null &
${END}
`;
}

/** Signal upon which the script kills the group: of KILL itself, scancel makes a cancellation that waits for KillWait. */
export const KILL_BY = 'USR2';

/** Set by Slurm for the devices that it gave to the job; they come before the program's own values. */
const GIVEN_BY_SLURM = ['CUDA_VISIBLE_DEVICES', 'ROCR_VISIBLE_DEVICES', 'GPU_DEVICE_ORDINAL', 'ZE_AFFINITY_MASK'];
/** How often a job leaves a sign of life, in seconds; `FRESH_SECONDS` of traces.ts is many times that. */
const BEAT_SECONDS = 5;

const WATCH = `mark=$folder/slurm.$token
# One launch runs once: a controller that lost sight of this job can start it again while it runs.
if ! mkdir "$mark"; then
  touch "$mark/again"
  exit 76
fi
leader=
tell() {
  # The group is there once setsid has run; until then there is only this one process.
  [ -z "$leader" ] || kill -s "$1" -- "-$leader" 2>/dev/null || kill -s "$1" "$leader" 2>/dev/null
}
beat() {
  nap=
  trap : TERM USR1 ${KILL_BY}
  trap 'kill "$nap" 2>/dev/null; exit' ALRM
  # For as long as the trainer's group is there, also when this script was killed alone.
  while kill -0 "$leader" 2>/dev/null || kill -0 -- "-$leader" 2>/dev/null; do
    touch "$mark/alive"
    case $(cat "$folder/launch" 2>/dev/null) in
      "$token" | '') ;;
      *)
        echo "job: another launch has this folder; this one is ended."
        kill -s KILL -- "-$leader"
        ;;
    esac
    # What Slurm cannot hand on, because it does not know the job, comes by this file.
    if signal=$(cat "$mark/stop" 2>/dev/null); then
      rm -f "$mark/stop"
      tell "$signal"
    fi
    sleep ${String(BEAT_SECONDS)} &
    nap=$!
    wait "$nap"
  done
}
trap 'tell TERM' TERM
trap 'tell USR1' USR1
trap 'tell KILL' ${KILL_BY}`;

const END = `leader=$!
beat &
beater=$!
code=0
while kill -0 "$leader" 2>/dev/null; do # a signal that was handed on ends a wait early
  wait "$leader"
  code=$?
done
kill -s KILL -- "-$leader" 2>/dev/null # what a trainer left behind writes here no more
kill -s ALRM "$beater" 2>/dev/null
wait "$beater"
rm -f "$mark/alive"
left=$(sed -n 's/.*"exitCode":\\([0-9]*\\).*/\\1/p' "$folder/exit.json" 2>/dev/null)
exit "\${left:-$code}"`;

function exported([name, value]: readonly [string, string]): string {
  if (!/^[A-Za-z_][A-Za-z0-9_]*$/.test(name)) {
    throw new RegraftError(
      'TRAINER_START_FAILED',
      `The trainer's environment has a variable "${name}"; a Slurm job can only be given names of letters, digits and underscores. Rename it.`,
    );
  }
  const line = `export ${name}=${quote(value)}\n`;
  return GIVEN_BY_SLURM.includes(name) ? `  [ -n "\${${name}+set}" ] || ${line}` : `  ${line}`;
}

/** One word of a shell, whatever is in it. */
function quote(text: string): string {
  return `'${text.replaceAll("'", String.raw`'\''`).replaceAll('\r', `'"$regraft_cr"'`)}'`;
}
