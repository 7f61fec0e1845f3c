CREATE TABLE `exports` (
	`blob` text NOT NULL,
	`format` text NOT NULL,
	`file` text NOT NULL,
	`bytes` integer NOT NULL,
	`losses` text NOT NULL,
	`created_at` text NOT NULL,
	PRIMARY KEY(`blob`, `format`)
);
--> statement-breakpoint
CREATE INDEX `exports_by_file` ON `exports` (`file`);--> statement-breakpoint
CREATE TABLE `outcomes` (
	`dataset` text NOT NULL,
	`model` text NOT NULL,
	`variant` text NOT NULL,
	`epochs` integer NOT NULL,
	`outcome` text NOT NULL,
	`created_at` text NOT NULL,
	PRIMARY KEY(`dataset`, `model`, `variant`)
);
