-- A release whose version ends in "-canary" is for the machines of one region.
local REGION = "ams"

function accept(release)
  if release.version:find("%-canary$") and midair.machine.region ~= REGION then
    return false, "canaries are for " .. REGION .. ", this machine is in " .. midair.machine.region
  end
  return true
end
