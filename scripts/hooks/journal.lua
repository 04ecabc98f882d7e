-- Tells what happens, in the sidecar's log.
function before_suspend(context)
  midair.log("from", context.from.version, "to", context.release.version)
end

function after_resume(context)
  midair.log(context.release.version, "serves on", midair.machine.id)
end

function on_rollback(context)
  midair.log(context.release.version, "was rolled back:", context.error)
end
