#!/bin/bash
# Sends a run to Slurm: PARTS parts (16 where nothing is said), then the merge, which waits for all of them.
set -euo pipefail
cd "$(dirname "$0")"

job=$(env -u PARTS sbatch --parsable --array="1-${PARTS:-16}" "$@" evaluate.sbatch)
job=${job%%;*} # a cluster's name may follow
merge=$(env -u PARTS sbatch --parsable --dependency="afterok:$job" --export="ALL,RUN=$job" merge.sbatch)
echo "parts: job $job, merge: job ${merge%%;*}"
