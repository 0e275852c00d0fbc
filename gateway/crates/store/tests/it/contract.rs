//! What every implementation of the store keeps to. Each sentence is a function over a [`crate::world::World`]; the
//! macro below makes a test of each for one implementation. A sentence that the macro does not name is a warning.

pub(crate) mod budgets;
pub(crate) mod changes;
pub(crate) mod events;
pub(crate) mod jobs;
pub(crate) mod lanes;
pub(crate) mod leases;
pub(crate) mod limits;
pub(crate) mod once;
pub(crate) mod seats;
pub(crate) mod sessions;
pub(crate) mod tallies;
pub(crate) mod waiting;
pub(crate) mod wakeups;
pub(crate) mod workers;

/// `contract!(name, make)`: all the sentences for the implementation that the async function `make` makes a world of.
macro_rules! contract {
    ($name:ident, $make:path) => {
        mod $name {
            $crate::contract::contract! { @of sessions, $make:
                a_created_session_is_read_back_as_it_was_written,
                an_unknown_session_is_not_there,
                a_session_is_not_created_twice,
                a_change_at_the_present_version_applies_and_counts_up,
                a_change_at_another_version_is_a_conflict,
                a_change_to_an_unknown_session_is_a_conflict,
                of_twenty_changes_at_one_version_exactly_one_wins,
                of_twenty_creations_exactly_one_wins,
                an_expired_session_is_gone_and_may_be_created_anew,
                a_change_moves_the_expiry,
                an_ended_session_is_still_read_but_not_listed_as_live,
                live_sessions_are_listed_in_pages_by_id,
                an_expired_session_is_not_listed_as_live,
                the_largest_body_is_taken_and_a_larger_one_is_refused,
                a_call_leads_to_the_session_that_named_it_last,
                a_document_leads_to_its_session_whatever_the_case_of_its_name,
                an_unknown_call_or_document_leads_nowhere,
            }
            $crate::contract::contract! { @of changes, $make:
                a_change_carries_everything_at_once,
                a_change_with_a_burnt_key_writes_nothing,
                a_conflicting_change_writes_nothing,
                of_twenty_deliveries_of_one_webhook_exactly_one_takes_effect,
                a_sessions_keys_are_its_own,
                a_sessions_key_may_be_used_again_after_its_time,
                the_leases_of_jobs_that_start_leased_come_in_their_order,
                a_change_with_anything_too_large_is_refused,
            }
            $crate::contract::contract! { @of events, $make:
                events_are_numbered_from_one_in_their_order,
                an_epoch_is_sixteen_hex_digits_and_stays,
                a_reader_gets_exactly_what_it_missed,
                a_page_holds_at_most_its_limit_and_tells_the_last_offset,
                a_reader_without_an_epoch_starts_at_the_beginning,
                a_cursor_of_another_epoch_has_a_gap,
                a_cursor_ahead_of_the_stream_has_a_gap,
                a_reader_behind_what_is_kept_has_a_gap_and_goes_on_after_the_last,
                an_unknown_or_expired_session_has_no_stream,
                parallel_appends_leave_no_hole_and_no_double,
                the_largest_event_is_taken_and_a_larger_one_is_refused,
            }
            $crate::contract::contract! { @of wakeups, $make:
                an_appended_event_wakes_the_watch,
                a_change_with_events_wakes_every_watch_of_its_session,
                a_reader_that_watches_before_it_reads_misses_nothing,
                waiting_ends_at_once_when_a_job_is_claimable,
                an_accepted_job_ends_the_waiting,
                a_change_with_a_job_ends_the_waiting,
                a_job_given_back_ends_the_waiting,
                a_redriven_job_ends_the_waiting,
                waiting_lasts_at_most_as_long_as_asked,
            }
            $crate::contract::contract! { @of jobs, $make:
                an_accepted_job_is_claimed_as_it_was_written,
                a_job_with_a_burnt_key_is_a_duplicate_and_is_not_written,
                of_twenty_acceptances_with_one_key_exactly_one_is_new,
                parallel_claims_take_no_job_twice_and_leave_none,
                jobs_of_one_session_are_claimed_oldest_first,
                a_claim_takes_at_most_what_it_asks_for,
                a_delayed_job_waits_for_its_time,
                a_dead_job_is_kept_with_its_story,
                a_reason_is_cut_to_500_bytes_between_characters,
                the_dead_are_listed_newest_first_in_pages,
                a_redriven_job_starts_anew,
                a_forgotten_dead_job_is_gone,
                only_dead_jobs_are_redriven_or_forgotten,
                the_depth_counts_each_job_once,
                a_job_that_is_too_large_is_refused,
            }
            $crate::contract::contract! { @of leases, $make:
                a_claimed_job_is_nobody_elses,
                a_finished_job_is_gone_and_its_lease_too,
                a_lease_that_runs_out_makes_the_job_claimable_with_the_next_attempt,
                an_older_attempt_can_do_nothing,
                a_lease_that_ran_out_still_finishes_a_job_nobody_took,
                an_extended_lease_lasts_from_now,
                a_job_given_back_waits_for_its_time_and_counts_its_attempts,
                a_job_that_starts_leased_is_claimable_once_its_lease_runs_out,
                a_job_accepted_with_a_lease_is_finished_as_the_first_attempt,
                the_lease_of_an_unknown_job_is_lost,
                a_lease_from_before_a_redrive_can_do_nothing,
                leases_that_ran_out_are_counted_until_a_redrive,
            }
            $crate::contract::contract! { @of lanes, $make:
                jobs_of_a_lane_run_one_after_another_in_their_order,
                a_change_puts_its_jobs_into_their_lanes_in_order,
                lanes_do_not_wait_for_each_other,
                a_job_kept_with_its_key_or_with_another_session_has_no_lane,
                a_job_that_is_tried_again_keeps_the_lane,
                a_lease_that_runs_out_keeps_the_lane,
                a_job_that_is_given_up_passes_the_lane_on,
                a_redriven_job_joins_the_end_of_its_lane,
                a_job_that_is_to_start_leased_waits_if_its_lane_is_busy,
                a_delayed_job_has_its_place_from_the_start_and_its_time_as_well,
                the_next_of_a_lane_ends_the_waiting,
                those_behind_count_as_delayed_and_are_ready_from_their_turn_on,
                a_thousand_jobs_in_a_lane_hold_up_nobody,
                the_queue_with_lanes_is_what_anybody_can_check_by_hand,
            }
            $crate::contract::contract! { @of once, $make:
                a_key_burns_once,
                of_twenty_that_burn_one_key_exactly_one_succeeds,
                a_key_may_burn_again_after_its_time,
                a_key_that_is_too_long_is_refused,
            }
            $crate::contract::contract! { @of limits, $make:
                a_burst_passes_and_the_next_one_does_not,
                a_refusal_costs_nothing_and_tells_when_to_come_back,
                what_is_earned_back_passes,
                each_key_has_its_own_limit,
                of_twenty_at_once_exactly_the_burst_passes,
                the_store_decides_as_the_pure_rule_does,
            }
            $crate::contract::contract! { @of budgets, $make:
                a_reservation_tells_what_is_left_for_others,
                more_than_is_left_is_refused_and_costs_nothing,
                a_repeated_reservation_costs_once,
                a_settlement_gives_back_what_was_not_used,
                a_second_settlement_changes_nothing,
                a_settlement_never_takes_more_than_was_reserved,
                a_settlement_of_nothing_changes_nothing,
                a_budget_is_forgotten_after_its_time,
                each_key_has_its_own_budget,
                of_twenty_reservations_exactly_as_many_fit_as_there_is_room_for,
            }
            $crate::contract::contract! { @of seats, $make:
                seats_are_taken_up_to_the_cap_and_no_further,
                who_sits_keeps_the_one_seat_whatever_the_cap,
                a_seat_is_free_again_once_its_holder_rises,
                a_seat_is_free_again_after_its_lease,
                a_seat_that_is_prolonged_lasts_from_then_on,
                each_scope_has_its_own_seats,
                of_twenty_who_want_a_seat_exactly_as_many_sit_as_there_are,
                many_leases_that_ran_out_take_no_seat,
                a_seats_name_that_is_too_long_is_refused,
            }
            $crate::contract::contract! { @of waiting, $make:
                visitors_wait_in_the_order_of_their_joining,
                a_full_room_takes_nobody_else,
                who_joins_again_keeps_place_and_body,
                who_does_not_ask_in_time_loses_the_place,
                asking_for_the_place_keeps_it,
                those_whose_patience_is_over_take_no_room,
                of_twenty_departures_of_one_visitor_exactly_one_succeeds,
                of_twenty_who_join_exactly_as_many_wait_as_there_is_room,
                each_room_has_its_own_queue,
                the_largest_waiting_body_is_taken_and_a_larger_one_is_refused,
                a_waiting_room_is_the_list_that_anybody_can_check_by_hand,
            }
            $crate::contract::contract! { @of tallies, $make:
                tallies_are_summed_by_day_and_name_in_order,
                a_refused_step_counts_nothing,
                parallel_steps_lose_no_count,
                a_sum_that_would_not_fit_stays_at_the_largest,
                tallies_are_forgotten_after_four_hundred_days,
                too_many_tallies_or_too_long_a_name_are_refused,
            }
            $crate::contract::contract! { @of workers, $make:
                workers_that_beat_are_listed_by_id,
                a_later_beat_replaces_the_earlier_one,
                a_worker_that_stops_beating_is_forgotten,
                a_worker_that_leaves_is_gone_at_once,
            }
        }
    };
    (@of $group:ident, $make:path: $($sentence:ident),+ $(,)?) => {
        mod $group {
            $(
                #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn $sentence() {
                    $crate::contract::$group::$sentence($make().await).await;
                }
            )+
        }
    };
}

pub(crate) use contract;
