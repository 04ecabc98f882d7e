-- New code is well if its own /health says so. Asked every second in probation; three failures in a row roll back.
local URL = "http://127.0.0.1:8080/health"

function healthy(context)
  local answer, why = midair.http.get(URL)
  if not answer then
    return false, why
  end
  if answer.status ~= 200 then
    return false, ("%s answered %d"):format(URL, answer.status)
  end
  local health = midair.json.decode(answer.body)
  return health.database == "up", "the database is " .. tostring(health.database)
end
