#!/bin/bash
# Starts a Slurm of one node on this machine, runs a command with it, and stops it again:
#
#   sudo apt-get install slurmctld slurmd slurm-client munge    # Debian, Ubuntu
#   ./try-on-one-machine.sh ./submit.sh                         # waits until no job is left, then shows what ran
#
# All it writes is in a temporary folder, its ports are those of the loopback address, and it uses neither systemd nor
# cgroups: it runs in a container as well. It runs as the user who starts it.
set -euo pipefail

folder=$(mktemp -d)
node=$(hostname -s)
export SLURM_CONF=$folder/slurm.conf
pids=()
stop() {
  for pid in "${pids[@]}"; do kill "$pid" 2>/dev/null || true; done
  for pid in "${pids[@]}"; do wait "$pid" 2>/dev/null || true; done
  rm -rf "$folder"
}
trap stop EXIT
mkdir -p "$folder"/{state,spool}
chmod 755 "$folder"

cat > "$SLURM_CONF" <<CONF
ClusterName=one-machine
SlurmctldHost=$node(127.0.0.1)
SlurmUser=$(id -un)
SlurmdUser=$(id -un)
AuthType=auth/munge
AuthInfo=socket=$folder/munge.socket
CredType=cred/munge
SlurmctldPort=${SLURMCTLD_PORT:-16817}
SlurmdPort=${SLURMD_PORT:-16818}
SlurmctldPidFile=$folder/slurmctld.pid
SlurmdPidFile=$folder/slurmd.pid
SlurmctldLogFile=$folder/slurmctld.log
SlurmdLogFile=$folder/slurmd.log
StateSaveLocation=$folder/state
SlurmdSpoolDir=$folder/spool
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
MpiDefault=none
MailProg=/bin/true
JobAcctGatherType=jobacct_gather/none
JobCompType=jobcomp/filetxt
JobCompLoc=$folder/completed
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU
ReturnToService=2
NodeName=$node NodeAddr=127.0.0.1 CPUs=$(nproc) RealMemory=$(awk '/MemTotal/ { print int($2 / 1024 * 0.9) }' /proc/meminfo) State=UNKNOWN
PartitionName=all Nodes=$node Default=YES State=UP
CONF

head -c 1024 /dev/urandom > "$folder/munge.key"
chmod 600 "$folder/munge.key"
munged --foreground --force --key-file="$folder/munge.key" --socket="$folder/munge.socket" \
  --pid-file="$folder/munged.pid" --log-file="$folder/munged.log" --seed-file="$folder/munged.seed" > "$folder/munged.out" 2>&1 &
pids+=($!)
for _ in {1..50}; do [[ -S $folder/munge.socket ]] && break; sleep 0.1; done
slurmctld -D > "$folder/slurmctld.out" 2>&1 & pids+=($!)
slurmd -D > "$folder/slurmd.out" 2>&1 & pids+=($!)
for _ in {1..100}; do [[ $(sinfo -h -o %t 2>/dev/null) == idle ]] && break; sleep 0.2; done
if [[ $(sinfo -h -o %t) != idle ]]; then
  tail "$folder"/*.out >&2
  exit 1
fi

sinfo
"$@"
while [[ -n $(squeue -h) ]]; do
  squeue --array
  sleep "${INTERVAL:-5}"
done

# What Slurm says of the jobs that ended: without a database behind it there is no sacct.
awk '{ line = ""; for (i = 1; i <= NF; i++) if ($i ~ /^(JobId|ArrayJobId|ArrayTaskId|Name|JobState|StartTime|EndTime|ExitCode)=/) line = line $i " "; print line }' \
  "$folder/completed"
