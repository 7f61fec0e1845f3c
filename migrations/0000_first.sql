CREATE TABLE `datasets` (
	`id` text PRIMARY KEY NOT NULL,
	`name` text NOT NULL,
	`blob` text NOT NULL,
	`samples` text NOT NULL,
	`source` text,
	`report` text NOT NULL,
	`created_at` text NOT NULL
);
--> statement-breakpoint
CREATE INDEX `datasets_by_name` ON `datasets` (`name`);--> statement-breakpoint
CREATE INDEX `datasets_by_source` ON `datasets` (`source`);--> statement-breakpoint
CREATE INDEX `datasets_by_blob` ON `datasets` (`blob`);--> statement-breakpoint
CREATE TABLE `evaluations` (
	`id` text PRIMARY KEY NOT NULL,
	`model_id` text NOT NULL,
	`dataset_id` text NOT NULL,
	`request_hash` text NOT NULL,
	`result` text NOT NULL,
	`created_at` text NOT NULL,
	FOREIGN KEY (`model_id`) REFERENCES `models`(`id`) ON UPDATE no action ON DELETE cascade,
	FOREIGN KEY (`dataset_id`) REFERENCES `datasets`(`id`) ON UPDATE no action ON DELETE cascade
);
--> statement-breakpoint
CREATE INDEX `evaluations_by_model` ON `evaluations` (`model_id`);--> statement-breakpoint
CREATE INDEX `evaluations_by_dataset` ON `evaluations` (`dataset_id`);--> statement-breakpoint
CREATE INDEX `evaluations_by_request` ON `evaluations` (`request_hash`);--> statement-breakpoint
CREATE TABLE `idempotency_keys` (
	`key` text NOT NULL,
	`route` text NOT NULL,
	`body_hash` text NOT NULL,
	`status` integer,
	`answer` text,
	`created_at` text NOT NULL,
	PRIMARY KEY(`route`, `key`)
);
--> statement-breakpoint
CREATE TABLE `job_blobs` (
	`job_id` text NOT NULL,
	`hash` text NOT NULL,
	`claimed_at` integer NOT NULL,
	PRIMARY KEY(`job_id`, `hash`),
	FOREIGN KEY (`job_id`) REFERENCES `jobs`(`id`) ON UPDATE no action ON DELETE cascade
);
--> statement-breakpoint
CREATE INDEX `job_blobs_by_hash` ON `job_blobs` (`hash`);--> statement-breakpoint
CREATE TABLE `job_events` (
	`job_id` text NOT NULL,
	`seq` integer NOT NULL,
	`type` text NOT NULL,
	`attempt` integer NOT NULL,
	`data` text NOT NULL,
	`at` text NOT NULL,
	PRIMARY KEY(`job_id`, `seq`),
	FOREIGN KEY (`job_id`) REFERENCES `jobs`(`id`) ON UPDATE no action ON DELETE cascade
);
--> statement-breakpoint
CREATE TABLE `jobs` (
	`id` text PRIMARY KEY NOT NULL,
	`kind` text NOT NULL,
	`state` text NOT NULL,
	`attempt` integer NOT NULL,
	`crashes` integer NOT NULL,
	`input` text NOT NULL,
	`progress` text,
	`links` text,
	`error` text,
	`last_seq` integer NOT NULL,
	`lease_until` integer,
	`created_at` text NOT NULL,
	`started_at` text,
	`finished_at` text
);
--> statement-breakpoint
CREATE INDEX `jobs_by_state` ON `jobs` (`state`,`id`);--> statement-breakpoint
CREATE TABLE `models` (
	`id` text PRIMARY KEY NOT NULL,
	`name` text NOT NULL,
	`parent_id` text,
	`blob` text NOT NULL,
	`tfjs` text NOT NULL,
	`content_hash` text NOT NULL,
	`source` text,
	`summary` text NOT NULL,
	`created_at` text NOT NULL,
	FOREIGN KEY (`parent_id`) REFERENCES `models`(`id`) ON UPDATE no action ON DELETE set null
);
--> statement-breakpoint
CREATE INDEX `models_by_name` ON `models` (`name`);--> statement-breakpoint
CREATE INDEX `models_by_parent` ON `models` (`parent_id`);--> statement-breakpoint
CREATE INDEX `models_by_content` ON `models` (`content_hash`);--> statement-breakpoint
CREATE INDEX `models_by_source` ON `models` (`source`);--> statement-breakpoint
CREATE INDEX `models_by_blob` ON `models` (`blob`);--> statement-breakpoint
CREATE TABLE `predictions` (
	`job_id` text PRIMARY KEY NOT NULL,
	`result` text NOT NULL,
	FOREIGN KEY (`job_id`) REFERENCES `jobs`(`id`) ON UPDATE no action ON DELETE cascade
);
--> statement-breakpoint
CREATE TABLE `profiles` (
	`id` text PRIMARY KEY NOT NULL,
	`model_id` text NOT NULL,
	`dataset_id` text,
	`source` text NOT NULL,
	`options_hash` text NOT NULL,
	`diversity` real,
	`diversity_excess` real,
	`result` text NOT NULL,
	`created_at` text NOT NULL,
	FOREIGN KEY (`model_id`) REFERENCES `models`(`id`) ON UPDATE no action ON DELETE cascade,
	FOREIGN KEY (`dataset_id`) REFERENCES `datasets`(`id`) ON UPDATE no action ON DELETE cascade
);
--> statement-breakpoint
CREATE UNIQUE INDEX `profiles_by_content` ON `profiles` (`model_id`,`options_hash`);--> statement-breakpoint
CREATE INDEX `profiles_by_dataset` ON `profiles` (`dataset_id`);--> statement-breakpoint
CREATE TABLE `prunings` (
	`id` text PRIMARY KEY NOT NULL,
	`parent_id` text NOT NULL,
	`dataset_id` text NOT NULL,
	`artifact_id` text,
	`request_hash` text NOT NULL,
	`request` text NOT NULL,
	`plan` text NOT NULL,
	`report` text,
	`created_at` text NOT NULL,
	FOREIGN KEY (`parent_id`) REFERENCES `models`(`id`) ON UPDATE no action ON DELETE no action,
	FOREIGN KEY (`dataset_id`) REFERENCES `datasets`(`id`) ON UPDATE no action ON DELETE no action,
	FOREIGN KEY (`artifact_id`) REFERENCES `models`(`id`) ON UPDATE no action ON DELETE set null
);
--> statement-breakpoint
CREATE INDEX `prunings_by_parent` ON `prunings` (`parent_id`);--> statement-breakpoint
CREATE INDEX `prunings_by_artifact` ON `prunings` (`artifact_id`);--> statement-breakpoint
CREATE INDEX `prunings_by_dataset` ON `prunings` (`dataset_id`);--> statement-breakpoint
CREATE INDEX `prunings_by_request` ON `prunings` (`request_hash`);--> statement-breakpoint
CREATE TABLE `recommendations` (
	`id` text PRIMARY KEY NOT NULL,
	`dataset_id` text NOT NULL,
	`request_hash` text NOT NULL,
	`result` text NOT NULL,
	`created_at` text NOT NULL,
	FOREIGN KEY (`dataset_id`) REFERENCES `datasets`(`id`) ON UPDATE no action ON DELETE cascade
);
--> statement-breakpoint
CREATE INDEX `recommendations_by_dataset` ON `recommendations` (`dataset_id`);--> statement-breakpoint
CREATE INDEX `recommendations_by_request` ON `recommendations` (`request_hash`);