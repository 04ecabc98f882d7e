/// @file
/// What stands where the first letter was, of variables that the entry holds for the app.
#pragma once

#define HELD '\001'
