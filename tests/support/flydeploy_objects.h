/// @file
/// Objects that FlyDeploy 0.4.2 wrote to the store in one real run, byte for byte.
#pragma once

namespace midair::flydeploy {

inline constexpr char kPointerInitial[] =
    R"({"blue_green_upgrade":null,"hot_upgrade":null,"image_ref":"registry.fly.io/my-app:deployment-01JBASE0000000000000000000","set_at":"2026-11-20T21:09:25.241415Z"})";

inline constexpr char kLock[] =
    R"({"deployment_id":"registry.fly.io/my-app:deployment-01KA93QZX1V2B3C4D5E6F7G8H9","expires_at":"2026-11-20T21:14:29.087820Z","locked_at":"2026-11-20T21:09:29.087820Z","locked_by":"peer@bench"})";

inline constexpr char kPointerWithHotUpgrade[] =
    R"({"blue_green_upgrade":null,"hot_upgrade":{"deployed_at":"2026-11-20T21:09:29.904881Z","source_image_ref":"registry.fly.io/my-app:deployment-01KA93QZX1V2B3C4D5E6F7G8H9","tarball_url":"http://127.0.0.1:7790/peer-bucket/releases/my_app-0.1.0.tar.gz","version":"0.1.0"},"image_ref":"registry.fly.io/my-app:deployment-01JBASE0000000000000000000","set_at":"2026-11-20T21:09:25.241415Z"})";

inline constexpr char kResultPending[] =
    R"({"machine_id":"28715e9ad77189","region":"iad","started_at":"2026-11-20T21:09:30.253096Z","status":"pending"})";

inline constexpr char kResultCompleted[] =
    R"({"applied_at":"2026-11-20T21:09:30.686303Z","error":null,"machine_id":"28715e9ad77189","module_names":["MyApp.Worker"],"modules_reloaded":1,"process_names":["MyApp.Worker"],"processes_failed":0,"processes_succeeded":10,"region":"iad","status":"completed","success":true,"suspend_duration_ms":9,"total_duration_ms":433})";

inline constexpr char kMarker[] =
    R"({"app_version":"0.1.0","created_at":"2026-11-20T21:09:29.092274Z","source_image_ref":"registry.fly.io/my-app:deployment-01KA93QZX1V2B3C4D5E6F7G8H9","version":"0.1.0"})";

inline constexpr char kResultFailed[] =
    R"({"applied_at": "2026-11-20T20:51:50.343236Z", "error": "\"no match of right hand side value: {:error, :eof}\"", "machine_id": "28715e9ad77189", "module_names": [], "modules_reloaded": 0, "process_names": [], "processes_failed": 0, "processes_succeeded": 0, "region": "iad", "status": "failed", "success": false, "suspend_duration_ms": null, "total_duration_ms": 123})";

}  // namespace midair::flydeploy
