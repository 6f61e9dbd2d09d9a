# What is measured, for evaluate.sbatch and merge.sbatch. Each can be set from outside too: sbatch passes the environment on.
: "${DIFFQUANT:=dotnet diffquant}"          # the tool: here as a local tool of the folder that the job was sent from
: "${MODEL:=out/ddpm-fashion-w4a8}"         # the quantized model
: "${FLOAT:=models/ddpm-fashion}"           # the float model that it was made from
: "${RESULTS:=results}"                     # a folder that all nodes see; each run gets its own in it
: "${OPTIONS:=--images 50000 --paired-images 256}"

# dotnet writes to HOME at its first start; many at once would get in each other's way.
export DOTNET_NOLOGO=1 DOTNET_CLI_TELEMETRY_OPTOUT=1 DOTNET_GENERATE_ASPNET_CERTIFICATE=false
