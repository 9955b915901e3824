"""Every route by every role of two unions on the objects of both: what is not yours does not exist, and nothing leaks.

Routes are read from the application: one without a row in EXPECTED fails. Each request runs in transactions that are rolled
back, so that all of them meet the same world.
"""

from __future__ import annotations

import html
import io
import json
import zipfile
import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest

from tests.webui.roles import (
    CANARY,
    LAUNCH,
    PERSON,
    POST,
    REVIEW,
    SENT,
    SUPERIOR,
    UNIT,
    WORDS,
    World,
    ask,
    filled,
    methods,
    two_unions,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from werkzeug.test import TestResponse

ROLES = ("plain", "delegate", "committee", "secretary", "auditor", "admin")

# What each role gets for objects of its own union (plain, delegate, committee, secretary, auditor, admin; one number for
# all), and what strangers get: roles of the other union and the superior's secretary. "-": no object is named, so that
# strangers get what their own role gets. "+": the superior gets that. A row that ends in "!" needs no login.
EXPECTED = """
api.openapi | 200 | -!
api_audit.confirm | 403 | -
api_audit.countersign | 403 | -
api_audit.given_before | 403 | -
api_audit.installation_history | 403 403 403 200 200 403 | -
api_audit.list_checkpoints | 403 403 403 200 200 403 | -
api_audit.note_witness | 403 | -
api_audit.queue_verification | 403 403 403 202 202 403 | -
api_audit.read_verification | 403 403 403 404 404 403 | -
api_audit.receive | 403 | -
api_audit.verify | 403 403 403 200 200 403 | -
api_answers.acts | 404 200 403 200 200 404 | 404
api_answers.add_note | 404 403 403 403 204 404 | 404
api_answers.list_notes | 404 403 403 403 200 404 | 404
api_ballots.cast | 404 201 404 404 404 404 | 404
api_ballots.get_ballots | 404 200 404 200 200 404 | 404
api_ballots.get_box | 404 200 404 200 200 404 | 404
api_ballots.give_key | 404 | 404
api_ballots.join_key | 404 | 404
api_ballots.take_key | 404 | 404
api_despatch.approve_correction | 404 403 200 200 403 404 | 404
api_despatch.list_despatch | 403 403 403 200 200 403 | -
api_despatch.list_despatch of | 403 403 403 200 200 403 | 404
api_despatch.propose_correction | 404 403 403 409 403 404 | 404
api_despatch.refuse_correction | 404 403 200 200 403 404 | 404
api_files.get_document | 404 200 200 200 200 404 | 404
api_files.get_document_docx | 404 200 200 200 200 404 | 404
api_files.get_file | 404 200 200 200 200 404 | 404
api_files.upload | 201 | -
api_imports.confirm_good_rows | 404 404 404 200 403 200 | 404
api_imports.confirm_import | 404 404 404 200 403 200 | 404
api_imports.correct_row | 404 404 404 200 403 200 | 404
api_imports.export_people | 403 403 403 200 200 200 | -
api_imports.get_import | 404 404 404 200 200 200 | 404
api_imports.import_template | 200 | -
api_imports.list_imports | 404 404 404 200 200 200 | -
api_imports.list_imports of | 404 404 404 200 200 200 | 404
api_imports.preview_import | 403 403 403 201 403 201 | -
api_imports.undo_import | 404 404 404 409 403 409 | 404
api_invitations.end_invitation | 404 404 404 409 403 409 | 404
api_invitations.invite | 404 404 404 201 403 201 | 404
api_invitations.list_newcomers | 404 404 404 200 200 200 | -
api_invitations.list_newcomers of | 404 404 404 200 200 200 | 404
api_notices.get_wishes | 200 | -
api_notices.list_notices | 200 | -
api_notices.send_again | 409 | -
api_notices.set_wishes | 204 | -
api_ledgers.ledger | 200 | 404+
api_ledgers.side_by_side | 200 | -
api_meetings.arrive | 404 200 404 404 404 404 | 404
api_meetings.get_meeting | 404 200 404 200 200 404 | 404
api_meetings.leave | 404 200 404 404 404 404 | 404
api_meetings.list_meetings | 200 | -
api_meetings.list_meetings of | 200 | -
api_meetings.list_under_way | 200 | -
api_meetings.list_people | 404 | 404
api_meetings.match | 404 | 404
api_meetings.open_meeting | 404 403 404 403 403 404 | 404
api_meetings.seat | 404 403 404 403 403 404 | 404
api_members.change_member | 404 404 404 200 403 200 | 404
api_members.change_password | 422 | -
api_members.create_member | 404 404 404 201 403 201 | 404
api_members.create_token | 403 | -
api_members.end_post | 404 404 404 204 403 204 | 404
api_members.end_token | 404 404 404 403 403 204 | 404
api_members.get_me | 200 | -
api_members.get_member | 404 404 404 200 200 200 | 404
api_members.grant_post | 404 404 404 201 403 201 | 404
api_members.list_members | 404 404 404 200 200 200 | -
api_members.list_members of | 404 404 404 200 200 200 | 404
api_members.list_members search | 404 404 404 200 200 200 | -
api_members.list_members unit | 404 404 404 200 200 200 | -
api_members.set_password | 404 404 404 403 403 422 | 404
api_operations.cancel_operation | 404 | 404
api_operations.get_operation | 404 | 404
api_operations.get_operation_file | 404 | 404
api_operations.queue_packs | 404 404 404 202 202 404 | 404
api_operations.list_operations | 200 | -
api_publications.get_publication | 404 200 404 404 404 404 | 404
api_publications.list_publications | 200 | -
api_publications.make_objection | 404 201 404 404 404 404 | 404
api_paper_ballots.get_pad_docx | 404 422 404 404 404 404 | 404
api_paper_ballots.get_pad_pdf | 404 422 404 404 404 404 | 404
api_paper_ballots.get_tally_docx | 404 200 404 404 404 404 | 404
api_paper_ballots.get_tally_pdf | 404 200 404 404 404 404 | 404
api_paper_ballots.print_pad | 404 200 404 404 404 404 | 404
api_paper_ballots.take_back | 404 422 404 404 404 404 | 404
api_plans.list_plans | 200 | -
api_starts.drop_start | 403 403 403 204 403 403 | 404
api_starts.list_starts | 403 403 403 200 200 403 | -
api_plans.plan_launch | 403 409 403 403 403 403 | -
api_polls.close_poll | 404 409 404 409 403 404 | 404
api_polls.declare | 404 403 404 403 403 404 | 404
api_polls.dissent | 404 409 404 404 404 404 | 404
api_polls.enter_paper | 404 409 404 404 404 404 | 404
api_polls.get_certificate | 404 200 404 200 200 404 | 404
api_polls.get_poll | 404 200 404 200 200 404 | 404
api_polls.give_paper | 404 200 404 404 404 404 | 404
api_polls.list_polls | 200 | -
api_polls.replace_teller | 404 403 404 403 403 404 | 404
api_polls.resign | 404 200 404 404 404 404 | 404
api_polls.respond | 404 | -
api_polls.sign | 404 409 404 404 404 404 | 404
polls.take_back | 404 422 404 404 404 404 | 404
api_polls.verify_certificate | 404 200 404 200 200 404 | 404
api_polls.void_poll | 404 200 404 200 403 404 | 404
api_polls.withdraw_answer | 404 | -
api_process-definitions.approve | 403 | -
api_process-definitions.check_folder | 403 403 403 200 403 200 | -
api_process-definitions.difference | 404 404 404 200 404 200 | -
api_process-definitions.get_definition | 200 | -
api_process-definitions.get_definition proposed | 404 404 404 200 404 200 | -
api_process-definitions.get_definition_files | 200 | -
api_process-definitions.get_opening | 403 200 403 403 403 403 | -
api_process-definitions.list_definitions | 200 | -
api_process-definitions.list_versions | 200 | -
api_process-definitions.propose | 403 403 403 422 403 422 | -
api_process-definitions.refuse | 403 | -
api_process-instances.alike | 403 200 403 403 403 403 | -
api_answers.answers | 404 200 403 200 200 404 | 404
api_answers.sample | 403 403 403 200 200 403 | 404
api_process-instances.diagram | 404 200 200 200 200 404 | 404
api_process-instances.erase | 404 409 409 409 409 404 | 404
api_process-instances.hold | 404 409 409 409 409 404 | 404
api_process-instances.export_evidence | 404 403 403 200 200 404 | 404
api_process-instances.fetch_evidence | 404 403 403 404 404 404 | 404
api_process-instances.queue_evidence | 404 403 403 202 202 404 | 404
api_process-instances.read_evidence | 404 403 403 404 404 404 | 404
api_process-instances.get_instance | 404 200 200 200 200 404 | 404
api_process-instances.list_urgings | 404 200 200 200 200 404 | 404
api_process-instances.history | 404 200 403 200 200 404 | 404
api_process-instances.let_in | 404 409 409 409 409 404 | 404
api_process-instances.let_out | 404 403 409 403 403 404 | 404
api_process-instances.list_readings | 404 200 200 200 200 404 | 404
api_process-instances.launch | 403 201 403 403 403 403 | -
api_process-instances.launch_several | 403 404 403 403 403 403 | -
api_process-instances.launch with a file | 403 422 403 403 403 403 | -
api_process-instances.list_instances | 200 | -
api_process-instances.list_instances search | 200 | -
api_process-instances.list_instances starter | 200 | -
api_process-instances.list_instances unit | 200 | -
api_process-instances.proof | 404 200 403 200 200 404 | 404
api_process-instances.remind | 404 403 403 200 403 404 | 404
api_process-instances.resume | 404 403 403 409 403 404 | 404
api_process-instances.retry | 404 | -
api_process-instances.send_message | 404 200 403 403 403 404 | 404
api_process-instances.suspend | 404 403 403 200 403 404 | 404
api_process-instances.terminate | 404 403 403 200 403 404 | 404
api_process-instances.withdraw | 404 200 403 403 403 404 | 404
api_rules.add_vacation | 403 403 403 201 403 201 | 404
api_own-versions.approve_own_version | 404 404 404 403 404 409 | 404
api_own-versions.end_own_version | 404 404 404 409 404 409 | 404
api_own-versions.get_own_version | 404 404 404 200 404 200 | 404
api_own-versions.list_own_versions | 200 | -
api_own-versions.refuse_own_version | 404 404 404 403 404 200 | 404
api_proposals.approve_proposal | 403 | -
api_proposals.list_proposals | 200 | -
api_proposals.refuse_proposal | 403 | -
api_proposals.take_back_proposal | 403 | -
api_rules.approve_setting | 403 403 403 204 403 204 | 404
api_rules.get_calendar | 200 | -
api_rules.get_calendar of | 200 | 404
api_rules.get_rule | 200 | -
api_rules.get_rule of | 200 | 404
api_rules.list_proposed_settings | 200 | -
api_rules.list_proposed_settings of | 200 | 404
api_rules.list_rules | 200 | -
api_rules.list_rules of | 200 | 404
api_rules.load_notice | 403 403 403 422 403 422 | -
api_rules.rule_changes | 200 | -
api_rules.propose_setting | 403 403 403 409 403 403 | 404
api_rules.refuse_setting | 403 403 403 204 403 204 | 404
api_rules.remove_vacation | 403 403 403 204 403 204 | 404
api_decision-tables.evaluate | 200 | -
api_decision-tables.get_table | 200 | -
api_decision-tables.list_tables | 200 | -
api_search.search | 200 | -
api_succession.end_term | 403 403 403 404 403 404 | -
api_succession.hand_over | 404 404 404 404 403 403 | 404
api_succession.join | 404 | 404
api_succession.move | 404 404 404 404 403 404 | 404
api_succession.replace | 404 404 404 404 403 404 | 404
api_process-instances.enter | 403 403 403 422 403 403 | 404~
api_grids.get_grid | 200 | -
api_grids.get_board | 200 | -
api_grids.get_indicators | 403 403 403 200 200 403 | -
api_grids.act_on_many | 404 200 200 200 200 404 | 404
api_grids.bind_papers | 404 | 404
api_grids.bind_booklet | 404 | 404
api_grids.list_grid_views | 200 | -
api_grids.save_grid_view | 204 | -
api_grids.drop_grid_view | 204 | -
api_side_by_side.compare | 404 200 404 200 200 404 | 404
api_tasks.preview_together | 200 | -
api_deputies.end_deputy | 404 | -
api_deputies.list_deputies | 200 | -
api_deputies.name_deputy | 422 | -
api_asks.adopt_ask | 404 | 404
api_asks.answer_ask | 404 | 404
api_asks.ask | 404 404 422 404 404 404 | 404
api_asks.decline_ask | 404 | 404
api_asks.get_ask | 404 | 404
api_asks.list_askable | 404 404 200 404 404 404 | 404
api_asks.list_asks | 200 | -
api_asks.withdraw_ask | 404 | 404
api_comments.list_comments | 404 200 200 200 200 404 | 404
api_comments.make_comment | 404 201 201 201 403 404 | 404
api_comments.withdraw_comment | 404 | 404
api_provisos.judge_condition | 404 | 404
api_provisos.list_conditions | 404 200 200 200 200 404 | 404
api_provisos.report_condition | 404 | 404
api_copies.get_copy | 404 | 404
api_copies.list_copies | 404 200 200 200 200 404 | 404
api_copies.list_received | 200 | -
api_copies.send_copies | 404 201 201 201 403 404 | 404
api_copies.withdraw_copy | 404 | 404
api_tasks.give_back | 404 404 409 404 404 404 | 404
api_tasks.hand_over | 404 404 422 404 404 404 | 404
api_tasks.list_earlier_steps | 404 404 200 404 404 404 | 404
api_tasks.send_back | 404 404 422 404 404 404 | 404
api_tasks.recall | 404 | 404
api_tasks.step_aside | 404 404 200 404 404 404 | 404
api_tasks.step_back | 404 409 409 409 409 404 | 404
api_tasks.list_takers | 404 404 200 404 404 404 | 404
api_tasks.claim | 404 404 200 404 404 404 | 404
api_tasks.complete_together | 404 404 409 404 404 404 | 404
api_tasks.complete | 404 404 200 404 404 404 | 404
api_tasks.drop_draft | 204 | -
api_tasks.get_task | 404 404 200 404 404 404 | 404
api_tasks.list_drafts | 200 | -
api_tasks.drop_view | 204 | -
api_tasks.list_done | 200 | -
api_tasks.list_tasks | 200 | -
api_tasks.list_views | 200 | -
api_tasks.save_view | 204 | -
api_tasks.list_vacancies | 200 | -
api_tasks.release | 404 404 409 404 404 404 | 404
api_tasks.undo | 404 | 404
api_tasks.undo_together | 404 | 404
api_tasks.send_link | 404 404 409 404 404 404 | 404
api_tasks.save_draft | 204 | -
api_tasks.save_task_draft | 404 404 204 404 404 404 | 404
api_units.change_unit | 404 404 404 200 403 200 | 404
api_units.create_unit | 404 404 404 201 403 201 | 404
api_units.list_units | 404 404 404 200 200 200 | -
api_units.list_units of | 404 404 404 200 200 200 | 404
api_units.union_history | 403 403 403 200 200 403 | 404
api_units.unit_tree | 404 404 404 200 200 200 | -
api_units.unit_tree of | 404 404 404 200 200 200 | 404
audit.annotate | 404 403 403 403 302 404 | 404
audit.check_kept | 403 403 403 302 302 403 | -
audit.checkpoint_file | 403 403 403 200 200 403 | -
audit.confirm | 403 | -
audit.countersign | 403 | -
audit.countersigned | 403 | -
audit.end_witness | 403 | -
audit.index | 403 403 403 200 200 403 | -
audit.index csv | 403 403 403 200 200 403 | -
audit.index search | 403 403 403 200 200 403 | -
audit.index unit | 403 403 403 200 200 403 | -
audit.instance | 404 200 403 200 200 404 | 404
audit.gate | 404 200 403 200 200 404 | 404
audit.log | 403 403 403 200 200 403 | -
audit.log installation | 403 403 403 200 200 403 | -
audit.log of | 403 403 403 200 200 403 | 404~
audit.noted | 404 403 403 403 200 404 | 404
audit.pack | 404 403 403 302 302 404 | 404
audit.packs_of_found | 403 403 403 303 303 403 | -
audit.pack_file | 404 403 403 404 404 404 | 404
audit.pack_progress | 404 403 403 200 200 404 | 404
audit.presence | 404 200 403 200 200 404 | 404
audit.propose_witness | 403 | -
audit.figures | 403 403 403 200 200 403 | -
audit.figures of | 403 403 403 200 200 403 | 404~
audit.sample | 403 403 403 200 200 403 | -
audit.sample of | 403 403 403 200 200 403 | 404~
audit.seal | 403 403 403 200 200 403 | -
audit.then | 404 200 403 200 200 404 | 404
audit.verification | 403 403 403 200 200 403 | -
audit.verify | 403 403 403 302 302 403 | -
audit.witness | 403 | -
auth.demo | 404 | -!
auth.do_login | 403 | -!
auth.language | 302 | -!
auth.login | 200 | -!
auth.logout | 302 | -!
auth.add_token | 422 | -
auth.end_token | 404 404 404 403 403 302 | 404
auth.mine | 200 | -
auth.mine POST | 422 | -
ballots.cast | 404 200 404 404 404 404 | 404
ballots.check | 404 200 404 200 200 404 | 404
ballots.give_up | 404 | 404
ballots.join | 404 | 404
ballots.take | 404 | 404
confidence.guard | 404 409 409 409 409 404 | 404
confidence.guard erase | 404 409 409 409 409 404 | 404
confidence.guard guests | 404 403 409 403 403 404 | 404
definitions.decide | 403 | -
definitions.diagram | 200 | -
definitions.diff | 404 404 404 200 404 200 | -
definitions.folder | 200 | -
definitions.index | 200 | -
definitions.process | 200 | -
definitions.propose | 403 403 403 422 403 422 | -
definitions.proposing | 403 403 403 200 403 200 | -
definitions.version | 200 | -
definitions.version proposed | 404 404 404 200 404 200 | -
files.attachment | 404 200 200 200 200 404 | 404
starts.drop | 403 403 403 303 403 403 | 404
starts.index | 403 403 403 200 200 403 | -
despatch.decide | 404 403 303 303 403 404 | 404
despatch.index | 403 403 403 200 200 403 | -
despatch.index of | 403 403 403 200 200 403 | 404
despatch.paper | 404 200 200 200 200 404 | 404
despatch.propose | 404 403 403 409 403 404 | 404
retention.index | 200 | -
files.document | 404 200 200 200 200 404 | 404
files.lines | 200 | -
files.upload | 201 | -
files.view | 404 200 200 200 200 404 | 404
health.alive | 200 | -!
health.metrics | 200 | -!
health.ready | 503 | -!
inbox.complete | 404 404 302 404 404 404 | 404
inbox.draft | 200 | -
inbox.hold | 404 404 302 404 404 404 | 404
inbox.hold release | 404 404 409 404 404 404 | 404
inbox.index | 200 | -
inbox.index search | 200 | -
inbox.now | 200 | -
inbox.paper | 404 404 409 404 404 404 | 404
inbox.poll | 404 200 404 200 200 404 | 404
inbox.poll in a meeting | 404 200 404 200 200 404 | 404
inbox.poll secret | 404 200 404 200 200 404 | 404
inbox.poll_now | 404 200 404 200 200 404 | 404
inbox.respond | 404 | -
inbox.respond close | 404 409 404 409 403 404 | 404
inbox.respond withdraw | 404 | -
inbox.undo | 404 | 404
inbox.undo seen | 302 | -
inbox.task | 404 404 200 404 404 404 | 404
launch.alike | 403 200 403 403 403 403 | -
launch.discard | 303 | -
launch.form | 403 200 403 403 403 403 | -
launch.index | 200 | -
launch.plan | 403 200 403 403 403 403 | -
launch.several_form | 403 404 403 403 403 403 | -
launch.start_several | 403 404 403 403 403 403 | -
launch.start | 403 303 403 403 403 403 | -
launch.start with a file | 403 422 403 403 403 403 | -
matters.desk | 404 403 403 303 403 404 | 404
matters.desk remind | 404 403 403 303 403 404 | 404
matters.desk resume | 404 403 403 409 403 404 | 404
matters.desk terminate | 404 403 403 303 403 404 | 404
matters.diagram | 404 200 200 200 200 404 | 404
matters.index | 200 | -
matters.index search | 200 | -
matters.matter | 404 200 200 200 200 404 | 404
matters.message | 404 200 409 409 409 404 | 404
matters.retry | 404 | -
matters.send | 404 422 409 409 409 404 | 404
mine.done | 200 | -
mine.done search | 200 | -
mine.drop_view | 302 | -
mine.save_view | 302 | -
mine.list_phrases | 200 | -
mine.change_phrase | 200 | -
mine.change_phrase drop | 200 | -
meetings.arrive | 404 303 404 404 404 404 | 404
meetings.arrive leave | 404 303 404 404 404 404 | 404
meetings.check_in | 404 200 404 200 200 404 | 404
meetings.hall | 404 200 404 200 200 404 | 404
meetings.hall_now | 404 200 404 200 200 404 | 404
meetings.match | 404 | 404
meetings.meeting | 404 200 404 200 200 404 | 404
meetings.now | 404 200 404 200 200 404 | 404
meetings.open_ | 404 403 404 403 403 404 | 404
meetings.seat | 404 403 404 403 403 404 | 404
outside.answer | 404 | -!
outside.document | 404 | -!
outside.file | 404 | -!
outside.invite | 404 404 409 404 404 404 | 404
outside.letter | 404 | -!
device.manifest | 200 | -!
device.keys | 302 | -
device.offline | 200 | -!
device.worker | 200 | -!
places.design | 200 | -
places.now | 200 | -
places.theme | 302 | -!
operations.cancel | 404 | 404
operations.file | 404 | 404
operations.index | 200 | -
operations.now | 404 | 404
operations.one | 404 | 404
people.add_unit | 404 404 404 302 403 302 | 404
people.change | 404 404 404 302 403 302 | 404
people.change_unit | 404 404 404 302 403 302 | 404
people.confirm | 404 404 404 302 403 302 | 404
people.correct | 404 404 404 302 403 302 | 404
people.create | 404 404 404 302 403 302 | 404
people.end | 404 404 404 302 403 302 | 404
people.end_term | 403 403 403 302 403 302 | -
people.export | 403 403 403 200 200 200 | -
people.grant | 404 404 404 302 403 302 | 404
people.hand_over | 404 404 404 422 403 422 | 404
people.import_ | 403 403 403 200 403 200 | -
people.import_ POST | 403 403 403 302 403 302 | -
people.end_invitation | 404 404 404 409 403 409 | 404
people.index | 404 404 404 200 200 200 | -
people.index of | 404 404 404 200 200 200 | 404
people.index search | 404 404 404 200 200 200 | -
people.index unit | 404 404 404 200 200 200 | -
people.invite | 404 404 404 409 403 409 | 404
people.invite_one | 404 404 404 200 403 200 | 404
people.join | 404 404 404 422 403 422 | 404
people.member | 404 404 404 200 200 200 | 404
people.new | 404 404 404 200 403 200 | -
people.new of | 403 403 403 200 403 200 | 404
people.password | 404 404 404 403 403 422 | 404
people.preview | 404 404 404 200 200 200 | 404
people.succeed | 404 404 404 422 403 422 | 404
people.template | 403 403 403 200 403 200 | -
people.undo | 404 404 404 409 403 409 | 404
people.units | 404 404 404 200 200 200 | -
people.units of | 404 404 404 200 200 200 | 404
polls.certificate | 404 200 404 200 200 404 | 404
polls.declare | 404 403 404 403 403 404 | 404
polls.dissent | 404 409 404 404 404 404 | 404
polls.enter_paper | 404 409 404 404 404 404 | 404
polls.give_paper | 404 303 404 404 404 404 | 404
polls.paper | 404 200 404 404 404 404 | 404
polls.print_pad | 404 303 404 404 404 404 | 404
polls.replace_teller | 404 403 404 403 403 404 | 404
polls.resign | 404 303 404 404 404 404 | 404
polls.sign | 404 409 404 404 404 404 | 404
polls.verify | 404 200 404 200 200 404 | 404
polls.void | 404 303 404 303 403 404 | 404
publications.index | 200 | -
publications.make | 404 302 404 404 404 404 | 404
publications.publication | 404 200 404 404 404 404 | 404
notices.again | 409 | -
notices.calendar | 404 | -!
notices.end_feed | 302 | -
notices.feed | 200 | -
notices.index | 200 | -
notices.opened | 404 | -
notices.wish | 302 | -
queued.act | 404 404 409 404 404 404 | 404
own_versions.decide | 404 404 404 403 404 409 | 404
own_versions.end | 404 404 404 409 404 409 | 404
proposals.again | 403 403 403 409 403 409 | -
proposals.decide | 403 | -
proposals.index | 200 | -
rules.add_vacation | 403 403 403 302 403 302 | 404
rules.calendar | 200 | -
rules.calendar of | 200 | 404
rules.changes | 200 | -
rules.decide | 403 403 403 302 403 302 | 404
rules.index | 200 | -
rules.index of | 200 | 404
rules.load | 403 403 403 422 403 422 | -
rules.propose | 403 403 403 409 403 403 | 404
rules.remove_vacation | 403 403 403 302 403 302 | 404
rules.rule | 200 | -
rules.rule of | 200 | 404
together.chosen | 303 | -
entries.form | 403 403 403 200 403 403 | -
entries.enter | 403 403 403 422 403 403 | -
entries.choose | 403 403 403 200 403 403 | -
entries.preview | 403 403 403 422 403 403 | -
entries.confirm | 403 403 403 409 403 403 | -
grid.index | 302 | -
grid.table | 200 | -
grid.board | 200 | -
ledger.index | 200 | -
ledger.index of | 200 | 404+
ledger.unions | 200 | -
indicators.page | 403 403 403 200 200 403 | -
grid.sheet | 200 | -
grid.sheet csv | 200 | -
grid.sheet print | 200 | -
grid.act | 404 409 409 303 409 404 | 404
grid.compare | 303 | -
grid.beside | 303 | -
grid.beside of | 404 200 404 200 200 404 | 404
grid.papers | 303 200 200 200 200 303 | 303
grid.papers kind | 404 | 404
grid.booklet | 404 200 200 200 200 404 | 404
grid.booklet form | 404 | 404
grid.save_view | 303 | -
grid.drop_view | 303 | -
together.act | 302 302 422 302 302 302 | -
together.form | 302 302 200 302 302 302 | -
together.now | 200 | -
together.undo | 404 | -
deputies.end | 404 | -
deputies.index | 200 | -
deputies.name | 422 | -
asks.ask | 404 404 200 404 404 404 | 404
asks.asked | 404 | 404
asks.do | 404 | 404
asks.do_ask | 404 404 422 404 404 404 | 404
provisos.condition | 404 | 404
provisos.say | 404 | 404
copies.form | 404 200 200 200 200 404 | 404
copies.index | 200 | -
copies.send | 404 302 302 302 403 404 | 404
copies.withdraw | 404 | 404
verbs.aside | 404 404 200 404 404 404 | 404
verbs.do_aside | 404 404 302 404 404 404 | 404
verbs.step_back | 404 302 302 302 302 404 | 404
verbs.comment | 404 302 302 302 403 404 | 404
verbs.discuss | 404 200 200 200 200 404 | 404
verbs.do_hand | 404 404 422 404 404 404 | 404
verbs.do_hand back | 404 404 409 404 404 404 | 404
verbs.do_send_back | 404 404 422 404 404 404 | 404
verbs.send_back | 404 404 200 404 404 404 | 404
verbs.recall | 404 | 404
verbs.hand | 404 404 200 404 404 404 | 404
verbs.withdraw | 404 | 404
static | 200 | -!
tables.index | 200 | -
tables.table | 200 | -
tables.trial | 200 | -
welcome.come_in | 404 | -!
welcome.page | 404 | -!
"""


@pytest.fixture(scope="module")
def world(server: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with two_unions(server, tmp_path_factory.mktemp("matrix")) as made:
        yield made


def words_in(reply: TestResponse) -> str:
    """All text of a reply: inside of ZIP (and so of .xlsx) files too."""
    if reply.data[:4] == b"PK\x03\x04":
        with zipfile.ZipFile(io.BytesIO(reply.data)) as archive:
            return html.unescape(
                "".join(archive.read(n).decode("utf-8", "replace") for n in archive.namelist())
            )
    text = reply.data.decode("utf-8", "replace") + str(reply.headers)
    return text + (json.dumps(reply.json, ensure_ascii=False) if reply.is_json else "")


@dataclass(frozen=True)
class Row:
    """What a row promises. `strangers`: None when they get what their own role gets, 0 for 404 or what their role gets anyway."""

    own: tuple[int, ...]
    strangers: int | None
    open: bool
    above: bool = False  # to the superior it is no stranger's

    def of(self, role: str, stranger: bool) -> tuple[int, ...]:
        mine = self.own[ROLES.index("secretary" if role == SUPERIOR else role)]
        if not stranger or self.strangers is None or (self.above and role == SUPERIOR):
            return (mine,)
        return (self.strangers,) if self.strangers else (404, mine) if mine == 403 else (404,)


def expected() -> dict[str, Row]:
    found = {}
    for line in filter(None, map(str.strip, EXPECTED.splitlines())):
        name, said, theirs = (part.strip() for part in line.split("|"))
        codes = tuple(map(int, said.split()))
        strangers = {"-": None, "404~": 0, "404": 404, "303": 303}[theirs.rstrip("!+")]
        own = codes * len(ROLES) if len(codes) == 1 else codes
        found[name] = Row(own, strangers, theirs.endswith("!"), theirs.endswith("+"))
    return found


# --- the tests ----------------------------------------------------------------------------------------------------------
def test_every_route_has_its_row(world: World) -> None:
    rows, routes = expected(), methods(world.app)
    assert not set(routes) - set(rows), (
        f"routes without a row in EXPECTED: {sorted(set(routes) - set(rows))}"
    )
    gone = [row for row in rows if row not in routes and row.split(" ")[0] not in routes]
    assert not gone and not set(SENT) - set(rows), (
        f"rows without a route: {gone}, {sorted(set(SENT) - set(rows))}"
    )


def asking(row: str, people: str) -> list[str]:
    """Who asks in this row. Of the strangers the superior, the secretary and one drawn by the row ask always."""
    if people == "own":
        return [f"a.{role}" for role in ROLES]
    strangers = [f"b.{role}" for role in ROLES]
    if people == "all strangers":
        return [*strangers, SUPERIOR]
    drawn = strangers[zlib.crc32(row.encode()) % len(strangers)]
    return sorted({drawn, "b.secretary", SUPERIOR})


@pytest.mark.parametrize(
    "people", ["own", "strange", pytest.param("all strangers", marks=pytest.mark.prove)]
)
def test_everybody_gets_what_the_matrix_says_and_nothing_of_the_other_union(
    world: World, people: str
) -> None:
    wrong, leaks, seen = [], [], set()
    for row, promise in expected().items():
        for who in asking(row, people):
            reply = ask(world, who, row, "a")
            words = words_in(reply)
            union, _, role = who.rpartition(".")
            if reply.status_code not in promise.of(role, union != "a"):
                wrong.append(
                    f"{row}: {who} got {reply.status_code}, not {promise.of(role, union != 'a')}"
                )
            for u, mark in CANARY.items():
                if who == SUPERIOR and "ledger" in row:  # what the unions are called it may read
                    words = words.replace(f"{mark}工会", "")
                if mark in words:
                    seen.add((row, who))
                    if u != union:
                        leaks.append(f"{row}: {who} reads of union {u}")
    assert not leaks, "\n".join(leaks)
    assert not wrong, "\n".join(wrong)
    if people != "own":
        return
    # the marks do stand where they belong, or the search for them would prove nothing
    for row in ("inbox.index", "inbox.task", "api_tasks.list_tasks"):
        assert (row, "a.committee") in seen, row
    for row in (
        "matters.matter",
        "matters.index",
        "launch.index",
        "inbox.poll",
        "api_process-instances.list_instances",
    ):
        assert (row, "a.delegate") in seen, row
    for row in (
        "audit.index search",
        "audit.log",
        "api_process-instances.export_evidence",
        "people.index search",
        "people.export",
        "rules.index",
        "rules.calendar",
        "api_search.search",
        "people.preview",
        "definitions.process",
        "api_own-versions.list_own_versions",
    ):
        assert (row, "a.secretary") in seen, row


def test_nobody_who_is_not_logged_in_gets_anywhere(world: World) -> None:
    for row, promise in expected().items():
        reply = ask(world, "", row, "a")
        if promise.open:
            assert reply.status_code in promise.own, row
        elif row.startswith("api_"):
            assert reply.status_code == 401 and "WWW-Authenticate" in reply.headers, row
        else:
            sent_on = reply.status_code in (302, 303)  # 303: what was posted is not posted again
            assert sent_on and reply.location.startswith("/login"), (
                row,
                reply.status_code,
            )
        assert not any(mark in words_in(reply) for mark in CANARY.values()), row


def test_a_token_opens_no_page_and_a_cookie_no_api(world: World) -> None:
    browser = world.app.test_client()
    with browser.session_transaction() as cookie:
        cookie["key"] = world.secrets["a.secretary"]
    assert browser.get("/api/v1/tasks").status_code == 401
    plain = world.app.test_client(use_cookies=False)
    for path in ("/", "/audit", f"/matters/{world.of['a']['motion']}"):
        assert (
            plain.get(
                path, headers={"Authorization": f"Bearer {world.tokens['a.secretary']}"}
            ).status_code
            == 302
        )
    for token in ("", "x", world.tokens["a.admin"][:-1], world.tokens["a.admin"] + "a", "\u4e00"):
        reply = plain.get(
            "/api/v1/tasks", headers={"Authorization": f"Bearer {token}".encode().decode("latin-1")}
        )
        assert reply.status_code == 401, token


def test_nothing_of_another_union_can_be_named_in_what_one_sends(world: World) -> None:
    """An own object, moved into the other union or given something of it."""
    theirs, own = world.of["b"], world.of["a"]
    admin, mover, judge = (Sender(world, f"a.{who}") for who in ("admin", "delegate", "committee"))
    strange = str(world.people["b.committee"])
    for reply in (
        admin.patch(f"/members/{own['member']}", {"unit_id": theirs["unit"]}),
        admin.post(
            f"/members/{own['member']}/posts", {**filled(POST, own), "unit_id": theirs["unit"]}
        ),
        admin.post(f"/members/{theirs['member']}/posts", filled(POST, own)),
        admin.post("/members", {**filled(PERSON, own), "unit_id": theirs["unit"]}),
        admin.post("/units", {**filled(UNIT, own), "parent_id": theirs["union"]}),
        admin.patch(f"/units/{own['unit']}", {"parent_id": theirs["union"]}),
        mover.post(
            "/process-instances",
            {
                "process_id": "congress_motion",
                "answers": {**LAUNCH, "attachments": [theirs["attachment"]]},
            },
        ),
        mover.post(
            "/process-instances",
            {"process_id": "congress_motion", "answers": {**LAUNCH, "unit": theirs["office"]}},
        ),
        judge.post(f"/tasks/{own['task']}/complete", {"answers": {**REVIEW, "present": [strange]}}),
        judge.post(
            f"/tasks/{own['task']}/complete",
            {
                "answers": {
                    "decision": "merge",
                    "merge_into": theirs["motion"],
                    "reason": WORDS,
                    "present": [str(world.people["a.committee"])],
                }
            },
        ),
        judge.post(
            f"/tasks/{own['task']}/complete",
            {
                "answers": {
                    "decision": "file",
                    "grade": "key",
                    "lead_unit": theirs["office"],
                    "reason": WORDS,
                    "present": [str(world.people["a.committee"])],
                }
            },
        ),
    ):
        assert reply.status_code in (403, 404, 422), (
            reply.request.path,
            reply.status_code,
            reply.text,
        )
        assert CANARY["b"] not in reply.text


@dataclass
class Sender:
    world: World
    who: str

    def _send(self, method: str, path: str, sent: Any) -> TestResponse:
        headers = {"Authorization": f"Bearer {self.world.tokens[self.who]}"}
        return self.world.app.test_client(use_cookies=False).open(
            f"/api/v1{path}", method=method, json=sent, headers=headers
        )

    def post(self, path: str, sent: Any) -> TestResponse:
        return self._send("POST", path, sent)

    def patch(self, path: str, sent: Any) -> TestResponse:
        return self._send("PATCH", path, sent)
