// BackupJob
