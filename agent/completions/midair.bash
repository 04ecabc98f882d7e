# Asks midair itself, so that the commands of all plugins are known.
source <(midair completion bash)
