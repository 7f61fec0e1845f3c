ALTER TABLE `profiles` ADD `matrices` text;--> statement-breakpoint
CREATE INDEX `profiles_by_matrices` ON `profiles` (`matrices`);