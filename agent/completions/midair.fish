# Asks midair itself, so that the commands of all plugins are known.
midair completion fish | source
