<?php
// Every request is answered with the version, /slow after two seconds.
if ($_SERVER["REQUEST_URI"] === "/slow") sleep(2);
$body = '{"version": "@VERSION@"}';
header("Content-Length: " . strlen($body));
echo $body;
