CREATE TABLE `comparisons` (
	`id` text PRIMARY KEY NOT NULL,
	`model_id` text NOT NULL,
	`dataset_id` text NOT NULL,
	`request_hash` text NOT NULL,
	`request` text NOT NULL,
	`result` text NOT NULL,
	`created_at` text NOT NULL,
	FOREIGN KEY (`model_id`) REFERENCES `models`(`id`) ON UPDATE no action ON DELETE cascade,
	FOREIGN KEY (`dataset_id`) REFERENCES `datasets`(`id`) ON UPDATE no action ON DELETE cascade
);
--> statement-breakpoint
CREATE INDEX `comparisons_by_model` ON `comparisons` (`model_id`);--> statement-breakpoint
CREATE INDEX `comparisons_by_dataset` ON `comparisons` (`dataset_id`);--> statement-breakpoint
CREATE INDEX `comparisons_by_request` ON `comparisons` (`request_hash`);