package import SwiftProtobuf
package import Wire

/// A request message, with the head that all of them carry.
package protocol HeadedRequest: SwiftProtobuf.Message {
    var head: WireCallHead { get set }
}

extension WireHeadOnly: HeadedRequest {}
extension WireApplyRequest: HeadedRequest {}
extension WirePushRequest: HeadedRequest {}
extension WireBeginImportRequest: HeadedRequest {}
extension WireListImportsRequest: HeadedRequest {}
extension WireStageRowsRequest: HeadedRequest {}
extension WirePublishImportRequest: HeadedRequest {}
extension WireMaterializeRequest: HeadedRequest {}
extension WireReadRequest: HeadedRequest {}
extension WireHistoryRequest: HeadedRequest {}
extension WireMakeTrainingSetRequest: HeadedRequest {}
extension WireTrainingSetRequest: HeadedRequest {}
extension WireProfileRequest: HeadedRequest {}
extension WireDriftRequest: HeadedRequest {}
extension WireProfileSpanRequest: HeadedRequest {}
extension WirePerformanceRequest: HeadedRequest {}
extension WireListMonitorsRequest: HeadedRequest {}
extension WireTryMonitorRequest: HeadedRequest {}
extension WireStartRunRequest: HeadedRequest {}
extension WireLogRunRequest: HeadedRequest {}
extension WireEndRunRequest: HeadedRequest {}
extension WireGetRunRequest: HeadedRequest {}
extension WireListRunsRequest: HeadedRequest {}
extension WireRegisterVersionRequest: HeadedRequest {}
extension WireListVersionsRequest: HeadedRequest {}
extension WireResolveVersionRequest: HeadedRequest {}
extension WirePromoteRequest: HeadedRequest {}
extension WireRollbackRequest: HeadedRequest {}
extension WireLineageRequest: HeadedRequest {}
extension WireSearchRunsRequest: HeadedRequest {}
extension WireSearchVersionsRequest: HeadedRequest {}
extension WireTraceRequest: HeadedRequest {}
extension WireDiffVersionsRequest: HeadedRequest {}
extension WireReportRequest: HeadedRequest {}
extension WireDeleteRunRequest: HeadedRequest {}
extension WireDeleteTrainingSetRequest: HeadedRequest {}
extension WireDeleteVersionRequest: HeadedRequest {}
extension WireListAuditRequest: HeadedRequest {}
extension WireSetAliasRequest: HeadedRequest {}
extension WireDeleteAliasRequest: HeadedRequest {}
extension WireListAliasesRequest: HeadedRequest {}
extension WireApproveRequest: HeadedRequest {}
extension WireListApprovalsRequest: HeadedRequest {}
extension WireListGatesRequest: HeadedRequest {}
extension WireStagesAtRequest: HeadedRequest {}
extension WireStageHoldersRequest: HeadedRequest {}
extension WireStartRolloutRequest: HeadedRequest {}
extension WireCancelRolloutRequest: HeadedRequest {}
extension WireListRolloutsRequest: HeadedRequest {}
extension WireVerifyAuditRequest: HeadedRequest {}
extension WireWatchRequest: HeadedRequest {}
extension WireReproduceRequest: HeadedRequest {}
extension WireListTrainingSetsRequest: HeadedRequest {}
extension WirePutArtifactRequest: HeadedRequest {}
extension WireArtifactRequest: HeadedRequest {}
extension WireAbandonImportRequest: HeadedRequest {}
extension WireRetractRequest: HeadedRequest {}
extension WireForgetRequest: HeadedRequest {}
extension WireCompactRequest: HeadedRequest {}
extension WireExportRequest: HeadedRequest {}
extension WireExplainRequest: HeadedRequest {}
extension WireBackupRequest: HeadedRequest {}
extension WireBeginUploadRequest: HeadedRequest {}
extension WirePutPartRequest: HeadedRequest {}
extension WireFinishUploadRequest: HeadedRequest {}
extension WireCollectGarbageRequest: HeadedRequest {}
extension WireCreateTokenRequest: HeadedRequest {}
extension WireRevokeTokenRequest: HeadedRequest {}
extension WireLogValuesRequest: HeadedRequest {}
extension WireScanPredictionsRequest: HeadedRequest {}
extension WireSetPredictionLogRequest: HeadedRequest {}
extension WireShowPredictionLogRequest: HeadedRequest {}
extension WireSkewRequest: HeadedRequest {}
extension WireTrainingSetFromLogRequest: HeadedRequest {}
