worker_processes 4
listen "0.0.0.0:@PORT@"
