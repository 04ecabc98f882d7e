-- Takes releases at night only, by the machine's clock (UTC). Put off is not refused: the sidecar asks again.
local FROM, TO = 2, 5 -- hours

function accept(release)
  local hour = math.floor(midair.now() / 3600) % 24
  if hour >= FROM and hour < TO then
    return true
  end
  return "later", ("%s waits for the window from %02d:00 to %02d:00 UTC"):format(release.version, FROM, TO)
end
